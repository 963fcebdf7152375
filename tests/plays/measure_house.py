"""The shape of the code as a table: `python -m tests.plays.measure_house [TREE]`; --json for programs.

It reads any version of the project, so that two can be compared: imports and definitions come from the syntax trees. A floor is
one file on the longest chain of imports within a package; a knot is a set of files that import each other in a circle.
"""

import ast
import json
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import click

from tests.support.paths import ROOT

PACKAGES = ("streams", "producer", "workers", "consumer", "training")
#: A file below this is a leaf: worth its name, or read with its neighbour.
SMALL = 40
IMPORTS = 20


@dataclass(frozen=True, slots=True)
class Package:
    """One package's shape. `largest_folder` counts files that are not `__init__.py`."""

    name: str
    files: int
    lines: int
    floors: int
    largest_folder: int
    small_files: int
    knots: list[list[str]]


@dataclass(frozen=True, slots=True)
class House:
    """The whole tree's shape. `doubled_words` are names of types that two files define."""

    packages: list[Package]
    median_lines: float
    largest_file: int
    doubled_words: dict[str, list[str]]
    readme_words: int
    import_ms: float | None


def modules_of(tree: Path, package: str) -> dict[str, Path]:
    """Dotted names, without `ferstream.`, of a package's files."""
    files = sorted(path for path in (tree / package).rglob("*.py") if "__pycache__" not in path.parts)
    return {".".join(path.relative_to(tree).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


def imports_of(path: Path, known: set[str]) -> set[str]:
    """Modules of `known` that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("ferstream.") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            module = node.module.removeprefix("ferstream.")
            deeper = {f"{module}.{alias.name}" for alias in node.names} & known
            found |= deeper or {module}
    return found & known


def floors_of(graph: dict[str, set[str]]) -> int:
    """Files on the longest chain of imports; files of a knot count as one."""
    home = {name: min(knot) for knot in knots_of(graph) for name in knot}

    @cache
    def height(name: str) -> int:
        members = [one for one in graph if home.get(one, one) == name]
        below = {home.get(other, other) for one in members for other in graph[one]} - {name}
        return 1 + max(map(height, below), default=0)

    return max((height(home.get(name, name)) for name in graph), default=0)


def knots_of(graph: dict[str, set[str]]) -> list[list[str]]:
    """Sets of files that reach each other by imports."""
    reach = {name: _reachable(graph, name) for name in graph}
    knots = {frozenset(other for other in reach[name] if name in reach[other]) for name in graph if name in reach[name]}
    return sorted(sorted(knot) for knot in knots)


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting.extend(new)
    return found


def package_shape(tree: Path, package: str) -> Package:
    modules = modules_of(tree, package)
    graph = {name: imports_of(path, set(modules)) - {name} for name, path in modules.items()}
    rooms = {name for name, path in modules.items() if path.name == "__init__.py"}
    sizes = {path: len(path.read_text("utf-8").splitlines()) for path in modules.values() if path.name != "__init__.py"}
    folders = Counter(path.parent for path in sizes)
    return Package(
        name=package,
        files=len(sizes),
        lines=sum(sizes.values()),
        floors=floors_of({name: others - rooms for name, others in graph.items() if name not in rooms}),
        largest_folder=max(folders.values()),
        small_files=sum(size < SMALL for size in sizes.values()),
        knots=knots_of(graph),
    )


def doubled_words(tree: Path) -> dict[str, list[str]]:
    """Public classes and aliases of types whose name means two things in the tree, and where."""
    homes: dict[str, dict[str, str]] = {}  # name to meaning to module
    for package in PACKAGES:
        for module, path in modules_of(tree, package).items():
            for node in ast.parse(path.read_text("utf-8")).body:
                for name, meaning in _types_in(node):
                    homes.setdefault(name, {}).setdefault(meaning or module, module)
    return {name: sorted(meanings.values()) for name, meanings in sorted(homes.items()) if len(meanings) > 1}


def _types_in(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Names like `Frame` that a statement at the top of a file binds, with what an alias stands for."""
    if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
        yield node.name, ""
    elif isinstance(node, ast.Assign) and not (isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "TypeVar"):
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id[:1].isupper() and not target.id.isupper():
                yield target.id, ast.unparse(node.value)


def import_time_ms() -> float:
    """What importing ferstream takes in a process of its own, the best of several."""
    code = "import time; began = time.perf_counter(); import ferstream; print(1000 * (time.perf_counter() - began))"
    command = [sys.executable, "-c", code]
    return min(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(IMPORTS))


def measure(tree: Path = ROOT, *, with_import: bool = True) -> House:
    shapes = [package_shape(tree, package) for package in PACKAGES]
    files = [path for package in PACKAGES for path in modules_of(tree, package).values() if path.name != "__init__.py"]
    sizes = [len(path.read_text("utf-8").splitlines()) for path in files]
    return House(
        packages=shapes,
        median_lines=statistics.median(sizes),
        largest_file=max(sizes),
        doubled_words=doubled_words(tree),
        readme_words=len((tree / "README.md").read_text("utf-8").split()),
        import_ms=import_time_ms() if with_import and (tree / "ferstream").exists() else None,
    )


@click.command()
@click.argument("tree", type=click.Path(exists=True, file_okay=False, path_type=Path), default=ROOT)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def main(tree: Path, as_json: bool) -> None:
    """Print the shape of TREE (this one unless named)."""
    house = measure(tree)
    if as_json:
        click.echo(json.dumps(asdict(house)))
        return
    headings = ("files", "lines", "floors", "largest folder", f"under {SMALL} lines", "knots")
    click.echo(f"{'package':10}" + "".join(f"{heading:>16}" for heading in headings))
    for one in house.packages:
        counts = (one.files, one.lines, one.floors, one.largest_folder, one.small_files, len(one.knots))
        click.echo(f"{one.name:10}" + "".join(f"{count:16}" for count in counts))
    click.echo(f"median file {house.median_lines:g} lines, largest {house.largest_file}; README {house.readme_words} words")
    if house.import_ms is not None:
        click.echo(f"import ferstream {house.import_ms:.2f} ms")
    for name, modules in house.doubled_words.items():
        click.echo(f"one word, {len(modules)} meanings: {name} in {', '.join(modules)}")
    for one in house.packages:
        for knot in one.knots:
            click.echo(f"knot: {', '.join(knot)}")


if __name__ == "__main__":
    main()
