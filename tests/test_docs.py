"""docs/ says what is there: every metric, option, program and field, and no file, command or figure that is not."""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import msgpack
import pytest

import ferstream
from ferstream.consumer.tracking.service.tracker_status import TrackerStatus
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.finish import FrameFinisher, dead
from ferstream.streams.frames.reader import FrameReader
from ferstream.streams.frames.worker_status import WorkerStatus
from ferstream.streams.wire.codec import decode_frame, encode_event, encode_frame, encode_preview, encode_result, face_map
from ferstream.streams.wire.keys import Keys
from ferstream.streams.wire.messages import Frame, FrameHeader, Preview
from ferstream.workers.faces.picture import decode_jpeg
from tests.consumer.subscribe.test_events import event
from tests.plays.write_command_pages import PROGRAMS, load, pages
from tests.support.deploy.docs import PAGES as DEPLOY_PAGES
from tests.support.deploy.docs import commands
from tests.support.documents import DOCS, METRICS_PAGE, WRITTEN, a_result, examples, metric_names, run
from tests.support.paths import ROOT
from tests.support.patience import PROCESS_S

EVERY = [*WRITTEN, *DEPLOY_PAGES]
by_page = pytest.mark.parametrize("page", EVERY, ids=lambda page: str(page.relative_to(ROOT)))

#: Options of other programs and of deploy's scripts that pages name.
FOREIGN_OPTIONS = {"--new", "--scale", "--tls"}
#: What an operator's own files are called, which deploy's scripts write.
MADE = {"deploy/.env", "deploy/secrets"}


def code_of(page: Path) -> list[str]:
    """What stands in backticks, outside of blocks."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`\n]+)`", text)


def test_every_metric_is_documented():
    assert {name for name in metric_names() if f"`{name}`" not in METRICS_PAGE} == set()


@by_page
def test_every_metric_that_a_page_names_exists(page):
    named = {re.sub(r"\{.*", "", code) for code in code_of(page) if code.startswith("fer_")}
    plain = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}
    assert plain - metric_names() == set()


def test_the_figures_of_the_models_are_those_of_their_cards():
    command = [sys.executable, "-c", "from ferstream.training.cli import main; main()", "summary"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=PROCESS_S, check=True).stdout
    assert said.strip() in (DOCS / "models.md").read_text("utf-8"), "put what `fer-train summary` prints into docs/models.md"


def test_the_pages_of_the_commands_are_what_the_programs_say():
    """So every program, command and option is in the documentation."""
    written = {page.name: page.read_text("utf-8") for page in (DOCS / "commands").glob("*.md")}
    assert written == pages(), "python -m tests.plays.write_command_pages"
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert {name for name in written if f"commands/{name}" not in navigation} == set()


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that a line begins with, and the words after it."""
    if words[0] == "fer" and len(words) > 1 and f"fer-{words[1]}" in PROGRAMS:
        words = [f"fer-{words[1]}", *words[2:]]
    command, rest = load(words[0]), words[1:]
    while isinstance(command, click.Group) and rest and (inner := command.commands.get(rest[0])):
        command, rest = inner, rest[1:]
    return command, rest


def options_of(command: click.Command) -> set[str]:
    shared = {"--help", "--version"}
    return shared | {name for option in command.params for name in (*option.opts, *option.secondary_opts)}


def lines_of_programs(page: Path) -> list[list[str]]:
    """Command lines of our programs in a page's blocks and in its sentences."""
    texts = [command.text for command in commands(page)] + code_of(page)
    split = [
        shlex.split(text, comments=True) for text in texts if any(program in text for program in PROGRAMS) and "'" not in text
    ]
    return [words[at:] for words in split for at, word in enumerate(words) if word in PROGRAMS]


@by_page
def test_commands_and_options_on_command_lines_exist(page):
    for words in lines_of_programs(page):
        command, rest = command_of(words)
        given = {word.split("=")[0] for word in rest if word.startswith("--")}
        assert given <= options_of(command), words
        if isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            assert not re.fullmatch(r"[a-z][a-z-]+", rest[0]), f"no such command: {words}"


def every_option() -> set[str]:
    found: set[str] = set()
    waiting = [load(program) for program in PROGRAMS]
    while waiting:
        command = waiting.pop()
        found |= options_of(command)
        waiting += command.commands.values() if isinstance(command, click.Group) else ()
    return found


@by_page
def test_options_in_sentences_exist(page):
    named = {code.split()[0].split("=")[0] for code in code_of(page) if code.startswith("--")}
    assert named - every_option() - FOREIGN_OPTIONS == set()


@by_page
def test_files_that_a_page_names_exist(page):
    """Paths in backticks that begin with a folder of the repository."""
    folders = "producer|workers|consumer|streams|training|tests|deploy|docs"
    named = {code for code in code_of(page) if re.fullmatch(rf"(?:{folders})/[\w./@*-]*", code)}
    assert {path for path in named if not list(ROOT.glob(path.rstrip("/")))} - MADE == set()


@by_page
def test_modules_that_a_page_runs_exist(page):
    named = set(re.findall(r"python -m ((?:tests|ferstream|deploy)[\w.]+)", page.read_text("utf-8")))
    assert {name for name in named if find_spec(name) is None} == set()


@pytest.mark.deploy
def test_every_file_on_the_way_of_a_frame_is_in_the_architecture():
    page = (DOCS / "architecture.md").read_text("utf-8")
    command = [sys.executable, "-m", "tests.plays.trace_frame"]
    traced = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=True).stdout
    passed = set(re.findall(r"^ +(\S+\.py)$", traced, re.MULTILINE))
    assert len(passed) > 20
    assert {file for file in passed if f"`{file}`" not in page} == set()


def test_every_room_is_in_the_architecture():
    page = (DOCS / "architecture.md").read_text("utf-8")
    tops = ("producer", "workers", "consumer", "streams", "training")
    rooms = {f"{top}/{room.parent.name}/" for top in tops for room in (ROOT / top).glob("*/__init__.py")}
    assert {room for room in rooms if f"`{room}`" not in page} == set()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_the_front_pages_name_no_file_that_is_gone(page):
    text = (ROOT / page).read_text("utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", text)
    assert {target for target in targets if not (ROOT / target).exists()} == set()


def fields_in(name: str, page: Path = DOCS / "wire.md") -> set[str]:
    """The fields that a table of a page names in its first column."""
    _, _, after = page.read_text("utf-8").partition(f"<!-- table: {name} -->\n")
    rows = [line for line in after.partition("\n\n##")[0].strip().split("\n\n")[0].splitlines() if line.startswith("|")]
    return {field for row in rows[2:] for field in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_the_wire_is_what_the_page_says():
    header = FrameHeader(camera_id="door", sequence=1, captured_at=1.0, deadline=6.0, width=2, height=2)
    result = a_result("door", 1, 1.0)
    preview = Preview(camera_id="door", sequence=1, captured_at=1.0, width=2, height=2, blurred=False, jpeg=b"")
    written: dict[str, dict[str, Any]] = {
        "frame": msgpack.unpackb(encode_frame(Frame(header, b""))[b"m"]),
        "result": msgpack.unpackb(encode_result(result)[b"r"]),
        "face": face_map(result.faces[0]),
        "status": {field.name: None for field in fields(CameraStatus)} | {"token": None},
        "event": msgpack.unpackb(encode_event(event(1))[b"e"]),
        "preview": msgpack.unpackb(encode_preview(preview)[b"m"]),
        "tracker status": {field.name: None for field in fields(TrackerStatus)} | {"token": None},
        "worker status": {field.name: None for field in fields(WorkerStatus)} | {"token": None},
    }
    for name, message in written.items():
        assert fields_in(name) == set(message), name


def test_a_dead_letter_is_what_the_page_says(client):
    keys = Keys()
    reader = FrameReader(client, keys, group="workers", consumer="w", claim_after_s=60)
    reader.join()
    client.xadd(keys.frames(0), {"m": b"header", "j": b"picture"})
    (entry,) = reader.read(1, 0.01)
    FrameFinisher(client, keys, group="workers").end(0, [dead(entry, "bad-jpeg", "no picture", 1.0)], 1.0)
    ((_, letter),) = client.xrange(keys.dead(0))
    assert set(letter) == {b"d", b"m"}
    assert fields_in("dead letter") == set(msgpack.unpackb(letter[b"d"]))


def test_the_frame_that_the_page_writes_is_one_that_workers_read(client, redis_url, tmp_path):
    (example,) = (example for example in examples() if "client.xadd" in example.code)
    entry_id = run(example, tmp_path, redis_url)
    ((written_id, fields),) = client.xrange("fer:frames:{0}")
    assert written_id.decode() in entry_id
    frame = decode_frame(written_id.decode(), fields)
    assert decode_jpeg(frame.picture, 40_000_000).shape == (frame.header.height, frame.header.width, 3)


def test_the_columns_of_a_log_are_what_the_page_says():
    pytest.importorskip("pyarrow")
    from ferstream.consumer.records.rows import TABLES

    assert fields_in("parquet", DOCS / "operating.md") == set(TABLES["results"].names)


def test_completion_is_there():
    code = "from ferstream.workers.cli import main; main(prog_name='fer-worker')"
    for shell in ("bash", "zsh", "fish"):
        asked = os.environ | {"_FER_WORKER_COMPLETE": f"{shell}_source"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=asked, capture_output=True, text=True, timeout=PROCESS_S, check=True
        )
        assert "fer-worker" in done.stdout


def test_every_public_name_is_in_the_reference():
    page = (DOCS / "api.md").read_text("utf-8")
    documented = set(re.findall(r"^::: ferstream\.(\w+)$", page, re.MULTILINE))
    assert documented == set(ferstream.__all__) - {"__version__"}


def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=PROCESS_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for page in (tmp_path / "site").rglob("*.html"):
        text = page.read_text("utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]+src=\"?(?:https?:)?//[^>]*", text)
        loaded += re.findall(r"<link[^>]+rel=\"?(?:stylesheet|preconnect|preload|icon)[^>]+href=\"?(?:https?:)?//[^>]*", text)
        assert not loaded, page
    for style in (tmp_path / "site").rglob("*.css"):
        assert not re.findall(r"url\([\"']?(?:https?:)?//", style.read_text("utf-8")), style
