"""Every path that a person gives may be odd: one line, the right exit status, never a traceback, never an endless wait."""

import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ferstream.producer.config.camera_config import CameraConfig
from ferstream.producer.errors import ConfigError
from ferstream.producer.sources.probe import probe_all
from ferstream.streams.programs import load
from ferstream.streams.service import named_file
from ferstream.workers.faces import picture
from tests.support.markers import needs_torch
from tests.support.odd_paths import odd_paths, unreadable

#: A command, what stands before the path, and the statuses with which it may end.
PLACES = [
    pytest.param(("producer", "check", "--timeout=5"), "--camera=a={}", {1, 2}, id="camera"),
    pytest.param(("producer", "check", "--timeout=5"), "--camera=a=file://{}", {1, 2}, id="file-url"),
    pytest.param(("producer", "check"), "--cameras={}", {2}, id="cameras"),
    pytest.param(("producer", "run", "--camera=a=portraits:"), "--redis-url-file={}", {2, 3}, id="redis-url-file"),
    pytest.param(("consumer", "log", "--redis=unix:///none.sock"), "--dir={}", {2, 3}, id="log"),
    pytest.param(("consumer", "log", "--format=parquet", "--redis=unix:///none.sock"), "--dir={}", {2, 3}, id="parquet"),
    pytest.param(("consumer", "sink", "parquet", "--redis=unix:///none.sock"), "--dir={}", {2, 3}, id="sink-parquet"),
    pytest.param(("consumer", "sink", "sqlite", "--redis=unix:///none.sock"), "--file={}", {2, 3}, id="sink-sqlite"),
    pytest.param(("worker", "run", "--redis=unix:///none.sock"), "--detector={}", {2, 3}, id="detector"),
    pytest.param(("worker", "plan", "--cameras=2"), "--capacity={}", {2, 3}, id="capacity"),
    pytest.param(("train", "dataset", "inspect"), "{}", {2, 3}, id="dataset", marks=needs_torch),
    pytest.param(("train", "summary"), "--detector={}", {2, 3}, id="summary", marks=needs_torch),
]

#: What is no path that is odd for one of them: a folder is made, a database begins in a file of nothing.
GOOD = {
    "log": {"nothing", "folder", "two lines", "no text", "nobody's home"},
    "sink": {"nothing", "folder", "two lines", "no text", "nobody's home", "empty", "dangling"},
}


def ends_in_one_line(words, argument, statuses, monkeypatch):
    monkeypatch.setattr(named_file, "PATIENCE_S", 0.1)
    program, *rest = words
    ended = CliRunner().invoke(load(program), [*rest, argument], env={"FER_DATA_DIR": None})
    assert isinstance(ended.exception, SystemExit), (argument, ended.exception)
    assert ended.exit_code in statuses, (argument, ended.output)
    said = ended.stderr.splitlines() or ended.stdout.splitlines()[1:]  # `check` prints a table
    assert len([line for line in said if not line.startswith(("Usage:", "Try '"))]) in {1, 2}, (argument, ended.output)
    assert "Traceback" not in ended.output


@pytest.mark.parametrize(("words", "place", "statuses"), PLACES)
def test_an_odd_path_ends_in_one_line(words, place, statuses, tmp_path, monkeypatch):
    for what, path in odd_paths(tmp_path).items():
        if words[0] != "consumer" or what not in GOOD[words[1]]:
            ends_in_one_line(words, place.format(path), statuses, monkeypatch)


@pytest.mark.parametrize(("words", "place", "statuses"), PLACES)
def test_a_folder_that_may_not_be_read(words, place, statuses, tmp_path, monkeypatch):
    (tmp_path / "shut").mkdir()
    ends_in_one_line(words, place.format("/dev/null/x"), statuses, monkeypatch)  # imports, while everything may be read
    with unreadable(tmp_path / "shut"):
        ends_in_one_line(words, place.format(tmp_path / "shut" / "x"), statuses, monkeypatch)


def test_an_odd_path_of_a_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(named_file, "PATIENCE_S", 0.1)
    monkeypatch.setattr(picture, "MAX_BYTES", 1 << 20)
    for path in odd_paths(tmp_path).values():
        with pytest.raises(picture.PictureError) as caught:
            picture.as_picture(path)
        assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["", "~", "/", "./", "../", "file:", "file://", "file:///tmp/", "webcam:", "portraits:", "a=", "/tmp/"]),
    st.text("~/.%:?#@[]= \\'\"$a0é\0\n\x7f\udcff\ud800\u2028", max_size=24),
)
@example("file:///tmp/", "%00")
@example("file://[", "")
@example("~", "nobody-of-this-name/x.mp4")
def test_whatever_is_taken_for_a_camera_gives_a_picture_or_one_line(start, text):
    try:
        camera = CameraConfig("a", start + text)
    except ConfigError as error:
        said = str(error)
    else:
        (finding,) = probe_all([camera], 10)
        said = finding.problem
        assert "unexpected" not in said
        f"{finding.url}{said}".encode()
        assert finding.url == finding.url.replace("\n", "")
    assert "\n" not in said
