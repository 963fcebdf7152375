"""Every play and benchmark can be imported: `make test` runs few of them, and a rename must not break the others unseen."""

from importlib import import_module

import pytest

from tests.support.paths import ROOT

FOLDERS = ("tests/plays", "tests/benchmarks", "deploy/grafana/boards")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if not path.name.startswith(("test_", "__")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_can_be_imported(path):
    assert import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
