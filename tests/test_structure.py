"""The house stays one: no knots, no piles, few floors. `python -m tests.plays.measure_house` prints what is measured here."""

import pytest

from tests.plays.measure_house import PACKAGES, knots_of, modules_of, package_shape
from tests.plays.measure_house import imports_of as imports_of_file
from tests.support.paths import ROOT

#: More files than this in one folder are a pile.
FOLDER = 15
#: The longest chain of imports within a package, each as it is; a new floor wants a reason. Of the consumer the last two are the
#: page over its hub, of streams the last is fer up over the parts that it starts.
FLOORS = {"streams": 7, "producer": 10, "workers": 8, "consumer": 11, "training": 14}


@pytest.fixture(scope="module")
def shapes():
    return {name: package_shape(ROOT, name) for name in PACKAGES}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_files_import_each_other_in_a_circle(shapes, package):
    assert shapes[package].knots == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folder_is_a_pile(shapes, package):
    assert shapes[package].largest_folder <= FOLDER


@pytest.mark.parametrize("package", PACKAGES)
def test_no_tower_grows(shapes, package):
    assert shapes[package].floors <= FLOORS[package]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_rooms_import_each_other_in_a_circle(package):
    """A room is a folder of a package, with those in it; the files at the package's top put the rooms together."""
    modules = {name: path for name, path in modules_of(ROOT, package).items() if path.parent != ROOT / package}
    room_of = {name: path.relative_to(ROOT / package).parts[0] for name, path in modules.items()}
    graph: dict[str, set[str]] = {room: set() for room in room_of.values()}
    for name, path in modules.items():
        graph[room_of[name]] |= {room_of[other] for other in imports_of_file(path, set(modules))} - {room_of[name]}
    assert knots_of(graph) == []
