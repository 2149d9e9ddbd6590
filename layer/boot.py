"""Starts Sidekey: `python -I -S boot.pyc NAME` in the layer, `python -I -S layer/boot.py NAME` from a working copy.

Law: imports only what the interpreter holds already; not even `os`, which costs 2 ms of a cold start.
In the layer the whole of `extension` lies in one file beside this one (`extension.bundle`: a marshalled dictionary of
name → (is a package, marshalled code)): ninety small files cost 2 ms more, and far more from a cold disk. `__future__`
is in it, too, for the others' sake.
"""

import marshal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
else:
    ModuleSpec = type(sys.__spec__)


class Bundle:
    """Finds and loads the modules of one bundle, as if they lay in `folder`."""

    def __init__(self, folder: str, modules: dict[str, tuple[bool, bytes]]) -> None:
        """Take the modules by name; their code is unmarshalled when it is imported."""
        self.folder = folder
        self.modules = modules

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> "ModuleSpec | None":
        """Say where a module of ours comes from; `__file__` and `__path__` are those of the working copy."""
        if name not in self.modules:
            return None
        is_package, _ = self.modules[name]
        place = f"{self.folder}/{name.replace('.', '/')}"
        spec = ModuleSpec(name, self, origin=f"{place}/__init__.py" if is_package else f"{place}.py")  # type: ignore[arg-type]
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [place]
        return spec

    def create_module(self, _spec: "ModuleSpec") -> None:
        """Leave the making of the module to the import system."""

    def exec_module(self, module: "ModuleType") -> None:
        """Run the module's code."""
        exec(marshal.loads(self.modules[module.__name__][1]), module.__dict__)  # noqa: S102, S302 - our own, read-only


def search_layer(here: str, bundle: bytes) -> None:
    """Look for modules in the bundle and in the layer's own folders, and nowhere else."""
    sys.meta_path.insert(0, Bundle(here, marshal.loads(bundle)))  # noqa: S302 - our own, read-only
    stdlib = f"{here}/lib/python{sys.version_info.major}.{sys.version_info.minor}"
    sys.path[:] = [f"{stdlib}/lib-dynload", stdlib, f"{here}/packages"]


def search_working_copy(here: str) -> None:
    """Look in the repository, and in the virtual environment that `-S` keeps from being seen."""
    environment = sys.executable.rpartition("/bin/")[0]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sys.path[:0] = [here.rpartition("/")[0]]
    sys.path.append(f"{environment}/lib/{version}/site-packages")


def main() -> None:
    """Set the search path and hand over."""
    here = __file__.rpartition("/")[0]
    try:
        with open(f"{here}/extension.bundle", "rb") as file:
            bundle = file.read()
    except FileNotFoundError:
        search_working_copy(here)
    else:
        search_layer(here, bundle)
    from extension.__main__ import main as run

    run()


if __name__ == "__main__":
    main()
