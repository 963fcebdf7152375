"""Each problem has a topic, each topic a text, and the documentation has all of them."""

import ast
from pathlib import Path

from ferstream.consumer.deployment.topics import TOPICS
from tests.support.paths import ROOT

DOCUMENTED = ROOT / "docs" / "troubleshooting.md"
SOURCES = sorted(path for path in (ROOT / "consumer").rglob("*.py") if "Problem(" in path.read_text("utf-8"))


def strings_of(source: Path) -> set[str]:
    """Every string that the module holds, each once; of f-strings their parts."""
    tree = ast.parse(source.read_text("utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def topics_given() -> list[ast.expr]:
    """The last argument of each `Problem(...)` in the sources."""
    calls = [node for source in SOURCES for node in ast.walk(ast.parse(source.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return [call.args[-1] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Problem"]


def test_each_topic_that_a_problem_names_has_a_text():
    literals = {one.value for one in topics_given() if isinstance(one, ast.Constant)}
    assert len(literals) > 20
    assert literals - set(TOPICS) == set()


def test_each_text_is_of_a_problem_that_there_is():
    said = set().union(*(strings_of(source) for source in SOURCES))
    states = {f"camera-{state}" for state in ("down", "stalled", "frozen", "held")}
    assert set(TOPICS) - states - said == set()
    assert states <= set(TOPICS)


def test_texts_are_short_enough_to_be_read():
    for name, topic in TOPICS.items():
        assert name == name.lower().replace(" ", "-")
        assert not topic.title.endswith("."), name
        for text in (topic.means, topic.look):
            assert text.endswith((".", "?")), name
            assert 30 < len(text) < 400, name


def test_the_documentation_has_each_topic():
    rows = "\n".join(f"| `{name}` | {one.title} | {one.means} | {one.look} |" for name, one in TOPICS.items())
    assert rows in DOCUMENTED.read_text("utf-8"), f"put these rows into docs/troubleshooting.md:\n{rows}"
