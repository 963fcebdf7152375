import json
import logging

import pytest

from streams.logs import configure_logging


@pytest.fixture(autouse=True)
def handlers_as_before():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def test_text_into_a_pipe_is_plain(capsys):
    configure_logging("info", "auto")
    logging.getLogger("a").warning("beware of %s", "dogs")
    logging.getLogger("a").debug("nothing")
    text = capsys.readouterr().err
    assert text.endswith("WARNING a: beware of dogs\n")
    assert "\x1b" not in text


def test_json_is_one_object_a_line_with_the_exception_in_it(capsys):
    configure_logging("debug", "json")
    try:
        raise ValueError("bad\nthing")
    except ValueError:
        logging.getLogger("a").exception("it failed")
    (line,) = capsys.readouterr().err.splitlines()
    message = json.loads(line)
    assert (message["level"], message["logger"], message["message"]) == ("error", "a", "it failed")
    assert "ValueError" in message["exception"]
