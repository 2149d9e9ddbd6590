"""Starts Sidekey: `python -I -S boot.pyc NAME` in the layer, `python -I -S layer/boot.py NAME` from a working copy.

Law: imports only what the interpreter holds already; not even `os`, which costs 2 ms of a cold start.
In the layer the modules of `extension` lie beside this file in three bundles, each read when its time comes:

    start.bundle   what runs before `register`, while the function waits
    serve.bundle   what prefetches and serves: read when the first module that is not in start.bundle is asked for
    rest.bundle    what few need, each module by itself

The first two are stages: their modules stand in the order in which they need each other, and are run one after the
other without the import system. One file for each, and one round of unmarshalling, save 3 ms and 200 page faults.
"""

import marshal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any
else:
    ModuleSpec, ModuleType = type(sys.__spec__), type(sys)


class Bundles:
    """Finds and loads the modules of the bundles in `folder`, as if they lay there in files of their own."""

    def __init__(self, folder: str) -> None:
        """Read nothing yet."""
        self.folder = folder
        self.stages = ["serve"]
        self.rest: dict[str, tuple[bool, bytes]] | None = None

    def read(self, name: str) -> "Any":
        """Return what a bundle holds."""
        with open(f"{self.folder}/{name}.bundle", "rb", 0) as file:
            return marshal.loads(file.read())  # noqa: S302 - our own, read-only

    def run_stage(self, name: str) -> None:
        """Run the modules of a stage: each is a name, whether that is a package, and its code."""
        for module, is_package, code in self.read(name):
            self.run_module(module, is_package, code)

    def run_module(self, name: str, is_package: bool, code: "CodeType") -> None:
        """Do for one module what the import system does."""
        module = sys.modules[name] = ModuleType(name)
        module.__file__ = self.place(name, is_package)
        parent, _, child = name.rpartition(".")
        module.__package__ = name if is_package else parent
        if is_package:
            module.__path__ = [module.__file__.rpartition("/")[0]]
        exec(code, module.__dict__)  # noqa: S102 - our own, read-only
        if parent:
            setattr(sys.modules[parent], child, module)

    def place(self, name: str, is_package: bool) -> str:
        """Return the file that a module would lie in."""
        return f"{self.folder}/{name.replace('.', '/')}{'/__init__' if is_package else ''}.py"

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> "ModuleSpec | None":
        """Say where a module of ours comes from; a stage whose time has come is run first."""
        if not name.startswith("extension."):
            return None
        if self.stages:
            self.run_stage(self.stages.pop())
        if name in sys.modules:
            return ModuleSpec(name, self)  # type: ignore[arg-type]
        if self.rest is None:
            self.rest = self.read("rest")
        return self.spec(name, self.rest[name][0]) if name in self.rest else None

    def spec(self, name: str, is_package: bool) -> "ModuleSpec":
        """Describe a module that is loaded by itself."""
        place = self.place(name, is_package)
        spec = ModuleSpec(name, self, origin=place)  # type: ignore[arg-type]
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [place.rpartition("/")[0]]
        return spec

    def create_module(self, spec: "ModuleSpec") -> "ModuleType | None":
        """Return the module of a stage that was run; leave the making of any other to the import system."""
        return sys.modules.get(spec.name)

    def exec_module(self, module: "ModuleType") -> None:
        """Run the module's code, unless its stage has."""
        if self.rest and module.__name__ in self.rest:
            exec(marshal.loads(self.rest[module.__name__][1]), module.__dict__)  # noqa: S102, S302 - our own, read-only


def search_layer(here: str) -> None:
    """Look for modules in the bundles and in the layer's own folders, and nowhere else; raise where there are none."""
    bundles = Bundles(here)
    stdlib = f"{here}/lib/python{sys.version_info.major}.{sys.version_info.minor}"
    bundles.run_stage("start")
    sys.meta_path.insert(0, bundles)
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
        search_layer(here)
    except FileNotFoundError:
        search_working_copy(here)
    from extension.__main__ import main as run

    run()


if __name__ == "__main__":
    main()
