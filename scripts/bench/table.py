"""The results as README shows them: Markdown from docs/bench.json, and nothing that is not in there.

<!-- bench:begin --> … <!-- bench:end -->      filled by scripts/readme, compared by a test
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scripts.bench.goals import GOALS, KEPT_SAME, MANY, hot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scripts.bench.goals import Goal

    Results = Mapping[str, Any]

STARTED = {
    "layer": "**Sidekey, from the layer**",
    "venv": "Sidekey, from a virtual environment",
    "naive": "naive extension: boto3, aiohttp, uvloop; registers last",
    "in function": "no extension: boto3 in the function (with its interpreter's start)",
}
SERVERS = {"sidekey": "**Sidekey**", "nginx": "nginx `return 200`", "node": "node http", "aiohttp": "aiohttp.web"}


def render(results: Results) -> str:
    """Return all of it."""
    parts = [
        _machine(results),
        "![cold starts](docs/bench-cold.png)",
        _cold(results),
        _shares(results),
        "![hits](docs/bench-hot.png)",
        _hot(results),
        _kinds(results),
        _busy(results),
        _clients(results),
        _goals(results),
    ]
    return "\n\n".join(parts)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose columns but the first are right-aligned."""
    rule = "|".join(["---", *("--:" for _ in heads[1:])])
    return "\n".join([f"| {' | '.join(heads)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows)])


def _machine(results: Results) -> str:
    machine, rounds = results["machine"], results["rounds"]
    return (
        f"One run of `make bench` ({results['seconds']} s) on {machine['cores']} cores of {machine['cpu']}, Linux "
        f"{machine['kernel'].partition('-')[0]}: medians of {rounds['cold']} starts and of {rounds['hot']} rounds of "
        f"load, all taken in turn. Beside it: boto3 {machine['boto3']}, aiohttp {machine['aiohttp']}, nginx "
        f"{machine['nginx']}, node {machine['node']}. Spread, and everything else that was measured, is in "
        "[docs/bench.json](docs/bench.json)."
    )


def _cold(results: Results) -> str:
    """Tell what a start costs, with ten secrets 5 ms away."""
    starts = results["cold"]["5"]
    far = results["cold"]["30"]
    rows = [
        [
            label,
            _ms(starts["bound_ms"].get(name)),
            _ms(starts[name]["10"].get("registered_ms")),
            _ms(starts[name]["10"]["first_ms"]),
            " / ".join(_ms(starts[name][count]["next_ms"]) for count in ("1", "10", "50")),
            _ms(far[name]["10"]["next_ms"]),
            _ms(starts[name]["10"]["first_cpu_ms"]),
            f"{starts[name]['10']['rss_mb']['median']:.1f}",
            f"{starts[name]['10']['pss_mb']['median']:.1f}",
        ]
        for name, label in STARTED.items()
    ]
    bare = results["cold"]["bare layer"]
    rows.append(["floor: `python -I -S -c pass`", *["–"] * 5, _ms(bare["ended_cpu_ms"]), "–", "–"])
    heads = (
        "ms from exec",
        "bound",
        "registered",
        "first of 10 secrets",
        "all of 1 / 10 / 50",
        "all of 10, 30 ms away",
    )
    return (
        "Cold start, secrets over TLS from an AWS 5 ms away; `register` is all that the function waits for:\n\n"
        + table((*heads, "CPU until the first", "peak RSS, MB", "PSS, MB"), rows)
    )


def _ms(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return "–"
    return f"{figure['median']:.0f}" if figure["median"] >= 20 else f"{figure['median']:.1f}"  # noqa: PLR2004 - precision


def _shares(results: Results) -> str:
    """Tell the same for functions with less than a core."""
    sizes = {size: by for size, by in results["shares"].items() if by}
    if not sizes:
        return "The CPU shares of smaller functions could not be set on this machine (no cgroup to write to)."
    rows = [
        [label, *(f"{_ms(by[name].get('registered_ms'))} / {_ms(by[name]['first_ms'])}" for by in sizes.values())]
        for name, label in STARTED.items()
        if name != "venv"
    ]
    heads = ("registered / first of 10 secrets, ms", *(f"{size} MB" for size in sizes))
    return "With the CPU share of a function of that size:\n\n" + table(heads, rows)


def _hot(results: Results) -> str:
    """Tell what a read costs, beside other servers of the same bytes."""
    rows = []
    for server, label in SERVERS.items():
        of = {load: by[server] for load, by in results["hot"].items() if server in by}
        kept, new = of["hit by name, 1 kept"], of["hit by name, 1 new"]
        rows.append(
            [
                label,
                f"{of['hit by name, 1 kept, same core']['p50_us']:.1f}",
                " / ".join(f"{kept[part]:.0f}" for part in ("p50_us", "p90_us", "p99_us")),
                " / ".join(f"{new[part]:.0f}" for part in ("p50_us", "p90_us", "p99_us")),
                f"{of['hit by name, 1 kept, same core']['cpu_us']:.1f} / {of['hit by name, 64 new']['cpu_us']:.0f}",
                " / ".join(f"{of[f'hit by name, {n} kept']['per_second'] / 1000:.1f}" for n in (1, 8, 64)),
            ]
        )
    heads = ("µs", "p50, same core", "p50 / p90 / p99, kept alive", "the same, new connection each")
    return "A read that is in the cache, server and load on a core each:\n\n" + table(
        (*heads, "CPU, kept / new", "thousand reads/s over 1 / 8 / 64 connections"), rows
    )


def _kinds(results: Results) -> str:
    """Tell what other reads cost."""
    loads = {f"hit {kind}": f"hit {kind}, 1 kept" for kind in ("by name", "by ARN", "by /value")}
    loads |= {f"a {kind}": f"hit, {kind}, 1 kept" for kind in ("60 KB secret", "binary secret")}
    loads["a new shape: headers not seen before"] = "hit, new shape, 1 kept"
    servers = list(SERVERS)
    rows = [
        [what, *(f"{results['hot'][load][server]['p50_us']:.0f}" for server in servers)] for what, load in loads.items()
    ]
    return "Reads of other kinds, p50, kept alive:\n\n" + table(("µs", *(SERVERS[server] for server in servers)), rows)


def _busy(results: Results) -> str:
    """Tell of what only Sidekey does."""
    busy = results["busy"]
    return (
        f"A miss takes {busy['misses']['beyond_ms']:.1f} ms beyond the upstream's own time. While an invocation has 50 "
        f"secrets refreshed one by one, the 99th percentile of hits is "
        f"{busy['refreshes']['busy_p99_us']:.0f} µs instead of {busy['refreshes']['idle_p99_us']:.0f}. After a million "
        f"reads the process is {busy['memory']['after_mb'] - busy['memory']['before_mb']:.2f} MB larger than before."
    )


def _clients(results: Results) -> str:
    rows = [[client, f"{by['sidekey']:.0f}", f"{by['nginx']:.0f}"] for client, by in results["clients"].items()]
    return "A read with the clients of functions, p50:\n\n" + table(("µs", "Sidekey", "nginx, the same bytes"), rows)


def _goals(results: Results) -> str:
    """Tell every goal with what was measured; what is not reached is said to be so."""
    judged = {each["figure"]: each for each in results["goals"]}
    rows = [_goal(goal, judged[goal.figure]["measured"]) for goal in GOALS]
    missed = [goal.figure for goal in GOALS if not judged[goal.figure]["reached"]]
    words = f"Not reached: {'; '.join(missed)}." if missed else "All of them are reached."
    return (
        f"The goals, set before the code was written, as ratios within the run. {words} {_yardstick(results)}\n\n"
        + table(("figure", "goal", "measured"), rows)
    )


def _yardstick(results: Results) -> str:
    """Tell where nginx stands beside aiohttp.web: what is left is the kernel's part, and nobody's to save."""
    latency = hot(results, KEPT_SAME, "p50_us", "nginx") / hot(results, KEPT_SAME, "p50_us", "aiohttp")
    rate = hot(results, MANY, "per_second", "nginx") / hot(results, MANY, "per_second", "aiohttp")
    return f"(Against aiohttp.web, nginx itself has {latency:.2f} and {rate:.1f}.)"


def _goal(goal: Goal, measured: float) -> list[str]:
    bound = f"{'≥' if goal.least else '≤'} {_figure(goal.most, goal.unit)}"
    if goal.stretch is not None:
        bound += f", better {_figure(goal.stretch, goal.unit)}"
    mark = "" if goal.reached(measured) else "**not reached:** "
    return [goal.figure, bound, mark + _figure(measured, goal.unit)]


def _figure(value: float, unit: str) -> str:
    """Write milliseconds as such, and small ratios as fractions."""
    if unit:
        return f"{value:+.1f} {unit}"
    if 0 < value < 0.2:  # noqa: PLR2004 - a fraction says more
        return f"1/{1 / value:.1f}"
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"
