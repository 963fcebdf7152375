"""What `fer-consumer forget` deletes and `export` prints, in every store."""

import csv
import io
import json
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ferstream.consumer.log.record_log import RecordLog, Rotation
from ferstream.consumer.sinks.parquet import ParquetSink
from ferstream.consumer.sinks.sqlite import SqliteSink
from tests.consumer.test_cli import face, result
from tests.support.postgresql import PostgresqlServer
from tests.support.programs import run

NOW = 1.8e9
HOUR = Rotation(10**6, 3600)


def when(seconds):
    return f"{datetime.fromtimestamp(NOW + seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def span(camera="door", begin=2, end=5):
    return ("--camera", camera, "--from", when(begin), "--to", when(end))


def store(kind, folder):
    """A store of ten results of each of two cameras, and its URL."""
    records = [result(i, camera_id=name, captured_at=NOW + i) for name in ("door", "yard") for i in range(10)]
    if kind == "sqlite":
        sink = SqliteSink(folder / "a.db", "results")
        sink.write(records)
        sink.close()
        return f"sqlite:{folder / 'a.db'}"
    if kind == "parquet":
        sink = ParquetSink(folder / "a", "results")
        sink.write(records)
        sink.close()
    else:
        with RecordLog(folder / "a", "jsonl", HOUR) as log:
            log.write(records)
    return f"{kind}:{folder / 'a'}"


def exported(url, *arguments):
    done = run("consumer", "export", *arguments, "--sink", url)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "sqlite"])
def test_a_camera_and_a_time_are_exported_and_forgotten(tmp_path, kind):
    url = store(kind, tmp_path)
    assert [row["sequence"] for row in exported(url, *span())] == [2, 3, 4]
    done = run("consumer", "forget", *span(), "--sink", url)
    assert done.returncode == 0, done.stderr
    assert "deleted 3 rows of results" in done.stdout
    assert exported(url, *span()) == []
    assert len(exported(url, *span(end=10, begin=0))) == 7
    assert len(exported(url, *span("yard", 0, 10))) == 10


def test_a_table_is_exported_as_csv(tmp_path):
    done = run("consumer", "export", *span(), "--format", "csv", "--sink", store("sqlite", tmp_path))
    head, *rows = done.stdout.splitlines()
    assert head.startswith("captured_at,media_time,camera_id,sequence")
    assert len(rows) == 3


def test_no_name_of_a_camera_is_a_formula_in_csv(tmp_path):
    sink = SqliteSink(tmp_path / "a.db", "results")
    sink.write([result(1, camera_id="=1+1", captured_at=NOW + 3)])
    sink.close()
    done = run("consumer", "export", *span("=1+1"), "--format", "csv", "--sink", f"sqlite:{tmp_path / 'a.db'}")
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert row["camera_id"] == "'=1+1"
    assert float(row["x1"]) == 10


def test_what_a_killed_sink_left_in_its_journal_is_exported_with_the_rest(tmp_path):
    url = store("parquet", tmp_path)
    with RecordLog(tmp_path / "b", "jsonl", HOUR) as log:
        log.write([replace(result(10, captured_at=NOW + 4.5), faces=(face(), face("anger")))])
    (lines,) = (tmp_path / "b").glob("*.jsonl")
    lines.rename(tmp_path / "a" / lines.with_suffix(".journal").name)
    done = run("consumer", "export", *span(), "--format", "csv", "--sink", url)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["sequence"], row["face"]) for row in rows] == [("2", "0"), ("3", "0"), ("4", "0"), ("10", "0"), ("10", "1")]
    assert rows[3]["captured_at"].endswith("04.500000+00:00")
    assert rows[3].keys() == rows[0].keys()


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_what_is_left_is_no_younger_for_being_written_anew(tmp_path, kind):
    url = store(kind, tmp_path)
    files = [path for path in (tmp_path / "a").rglob("*") if path.suffix in (".jsonl", ".parquet")]
    for path in files:
        os.utime(path, (NOW - 86400, NOW - 86400))
    assert run("consumer", "forget", *span(), "--sink", url).returncode == 0
    assert {path.stat().st_mtime for path in files} == {NOW - 86400}


def test_a_database_of_something_else_is_not_made_one_of_ours():
    with PostgresqlServer() as server:
        done = run("consumer", "forget", *span(), "--sink", server.url)
        assert (done.returncode, "has no tables of ferstream" in done.stderr) == (3, True), done.stderr
        assert server.query("SELECT to_regclass('fer_schema')") == [(None,)]


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("--sink", "mysql://user:secret@host"), 3, "a sink is sqlite:FILE"),
        (("--sink", "sqlite:/none.db"), 3, "no SQLite file"),
        (("--sink", "jsonl:/none"), 3, "no directory"),
        (("--sink", "jsonl:"), 3, "a sink is sqlite:FILE"),
        ((), 2, "give --sink"),
        (("--sink", "sqlite:/none.db", "--to", "2020-01-01"), 2, "--to must be after --from"),
    ],
)
def test_what_cannot_be_forgotten_is_one_line(arguments, status, text):
    done = run("consumer", "forget", *span(), *arguments)
    assert (done.returncode, text in done.stderr, "secret" in done.stderr) == (status, True, False), done.stderr


def test_a_directory_in_use_is_not_touched(tmp_path):
    url = store("jsonl", tmp_path)
    with RecordLog(tmp_path / "a", "jsonl", HOUR):
        done = run("consumer", "forget", *span(), "--sink", url)
    assert (done.returncode, "stop the sink" in done.stderr) == (3, True)
    assert len(exported(url, *span())) == 3


def test_of_two_stores_none_is_exported(tmp_path):
    done = run("consumer", "export", *span(), "--sink", "sqlite:a.db", "--sink-file", str(tmp_path / "url"))
    assert (done.returncode, "give one of --sink and --sink-file" in done.stderr) == (2, True), done.stderr
