"""Every sink has every record once: killed, its store killed, doubled, out of order."""

import json
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from ferstream.consumer.log.newest_names import newest_names
from ferstream.consumer.records.lines import name_of
from ferstream.consumer.sinks.parquet import ParquetSink, safe_name
from ferstream.consumer.sinks.postgresql import PostgresqlSink
from ferstream.consumer.sinks.sink import CameraPeriod, SinkError, SinkUnavailable
from ferstream.consumer.sinks.sqlite import SqliteSink
from ferstream.streams.wire.codec import encode_event
from ferstream.streams.wire.messages import Event
from tests.consumer.test_cli import KEYS, eventually, face, publish, result, run, start
from tests.support.patience import PROCESS_S
from tests.support.postgresql import PostgresqlServer

NOW = 1.8e9
NAMES = ["<b>door</b>", "\U0001f600" * 50, "a/../b\\c", "x" * 200, "..", "Tür"]


@pytest.fixture(scope="module")
def postgresql():
    with PostgresqlServer() as server:
        yield server


@pytest.fixture
def database(postgresql):
    """The URL of tables that are empty."""
    postgresql.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return postgresql


def an_event(event_id):
    return Event(
        event_id=event_id,
        kind="left",
        camera_id="door",
        track=1,
        at=NOW,
        media_time=None,
        sequence=9,
        emotion="happiness",
        before=None,
        since=NOW - 2,
        duration=2.0,
        peak=0.9,
        probabilities=(0.125,) * 8,
        shares={"happiness": 1.0},
        best_sequence=3,
        box=(1.0, 2.0, 3.0, 4.0),
    )


def sequences(kind, target):
    """How often each sequence is stored."""
    if kind == "sqlite":
        if not target.exists():
            return Counter()
        with sqlite3.connect(target) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'results'").fetchall()
            rows = connection.execute("SELECT sequence FROM results").fetchall() if tables else []
        connection.close()
        return Counter(sequence for (sequence,) in rows)
    if kind == "jsonl":
        lines = [line for path in target.glob("*.jsonl") for line in path.read_bytes().splitlines(keepends=True)]
        return Counter(json.loads(line)["sequence"] for line in lines if line.endswith(b"\n"))
    found = Counter()
    for path in target.rglob("*.parquet"):
        found.update(pq.read_table(path, partitioning=None)["sequence"].to_pylist())
    return found


@pytest.mark.parametrize("kind", ["jsonl", "sqlite", "parquet"])
def test_a_sink_that_is_killed_in_mid_load_has_every_result_once(client, redis_url, tmp_path, kind):
    target = tmp_path / "store"
    where = ("--file", str(target)) if kind == "sqlite" else ("--dir", str(target))
    arguments = ("sink", kind, *where, "--metrics-port", "0", "--batch-seconds", "0.05")
    total = 1500
    load = threading.Thread(target=lambda: [publish(client, result(i)) or time.sleep(0.001) for i in range(total - 1)])
    load.start()
    for _ in range(2):
        before = told(client, kind).get("last-delivered-id", b"0-0")
        process = start(redis_url, *arguments)
        eventually(lambda: told(client, kind).get("last-delivered-id", before) != before)  # noqa: B023 - called here
        time.sleep(0.2)
        process.kill()
        process.communicate()
    load.join()
    publish(client, result(total - 1))
    process = start(redis_url, *arguments)
    eventually(lambda: not client.xpending(KEYS.results(0), f"{kind}-results")["pending"] and told(client, kind)["lag"] == 0)
    process.terminate()
    _, errors = process.communicate(timeout=PROCESS_S)
    assert process.returncode == 0, errors
    assert sequences(kind, target) == Counter(range(total))


def told(client, kind):
    """What Redis says of the sink's group; nothing where there is none yet."""
    groups = client.xinfo_groups(KEYS.results(0)) if client.exists(KEYS.results(0)) else []
    return next((group for group in groups if group["name"] == f"{kind}-results".encode()), {})


def test_postgresql_that_is_killed_in_mid_load_has_every_result_once(client, redis_url, database, tmp_path):
    url_file = tmp_path / "url"
    url_file.write_text(database.url)
    arguments = ("sink", "postgresql", "--url-file", str(url_file), "--metrics-port", "0", "--batch-seconds", "0.05")
    process = start(redis_url, *arguments)
    total = 1500
    load = threading.Thread(target=lambda: [publish(client, result(i)) or time.sleep(0.001) for i in range(total)])
    load.start()
    eventually(lambda: database.query("SELECT to_regclass('fer_results')") != [(None,)])
    eventually(lambda: database.query("SELECT count(*) FROM fer_results")[0][0] > 0)
    database.kill()
    time.sleep(1)
    database.start()
    load.join()
    eventually(lambda: database.query("SELECT count(*) FROM fer_results")[0][0] >= total)
    process.terminate()
    _, errors = process.communicate(timeout=PROCESS_S)
    assert process.returncode == 0, errors
    assert database.query("SELECT count(*), count(DISTINCT sequence) FROM fer_results") == [(total, total)]
    assert errors.count("records wait") == 1
    assert "takes records again" in errors
    assert client.xpending(KEYS.results(0), "postgresql-results")["pending"] == 0


def test_two_sinks_of_one_group_share_the_results(client, redis_url, database):
    arguments = ("sink", "postgresql", "--url", database.url, "--metrics-port", "0", "--batch-seconds", "0.05")
    both = [start(redis_url, *arguments, "--consumer", name) for name in ("a", "b")]
    eventually(
        lambda: len(client.xinfo_consumers(KEYS.results(0), "postgresql-results") if told(client, "postgresql") else []) == 2
    )
    publish(client, *(result(i) for i in range(1500)))
    eventually(lambda: database.query("SELECT to_regclass('fer_results')") != [(None,)])
    eventually(lambda: database.query("SELECT count(*) FROM fer_results")[0][0] == 1500)
    for process in both:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PROCESS_S)
        assert process.returncode == 0, errors


def test_postgresql_says_in_words_what_is_wrong(database):
    with pytest.raises(SinkError, match="like postgresql://") as wrong:
        PostgresqlSink("postgresql://user:secret@[host", "results")
    assert "secret" not in str(wrong.value)
    sink = PostgresqlSink(database.url, "results")
    sink.write([result(1)])
    database.query("DROP TABLE fer_results")
    with pytest.raises(SinkError, match="print-schema") as missing:
        sink.write([result(2)])
    assert not isinstance(missing.value, SinkUnavailable)
    sink.close()
    database.query("UPDATE fer_schema SET version = 7")
    with pytest.raises(SinkError, match="version 7"):
        sink.open()
    database.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN")
    database.query("GRANT USAGE ON SCHEMA public TO guest")
    with pytest.raises(SinkError, match="may not create"):
        PostgresqlSink(database.url.replace("fer@", "guest:secret@"), "results").open()
    with pytest.raises(SinkError, match="does not exist") as nobody:
        PostgresqlSink(database.url.replace("fer@", "nobody:secret@"), "results").open()
    assert "secret" not in str(nobody.value)


def test_a_store_that_is_not_there_is_waited_for(tmp_path):
    with pytest.raises(SinkUnavailable, match="none"):
        PostgresqlSink(f"postgresql://fer:secret@/none?host={tmp_path}", "results").write([result(1)])


def test_postgresql_takes_any_name_and_any_number(database):
    sink = PostgresqlSink(database.url, "results")
    odd = [replace(result(2**64 - 1), camera_id="zero\0"), result(1, captured_at=1e300), result(1, captured_at=1e300)]
    sink.write([*odd, *(result(1, camera_id=name) for name in NAMES)])
    assert database.query("SELECT count(*) FROM fer_results") == [(2 + len(NAMES),)]
    sink.write([replace(result(1, camera_id="zero in JSON"), models={"a\0": "\\\0", "b": "\\u0000"})])
    assert database.query("SELECT models FROM fer_results WHERE camera_id = 'zero in JSON'") == [
        ({"a\ufffd": "\\\ufffd", "b": "\\u0000"},)
    ]
    sink.close()


def test_a_postgresql_that_is_full_is_waited_for_and_a_url_of_no_port_is_not(database):
    full = database.url.replace("fer@", "busy@")
    database.query("DROP ROLE IF EXISTS busy; CREATE ROLE busy LOGIN SUPERUSER CONNECTION LIMIT 0")
    database.query("ALTER ROLE busy NOSUPERUSER")
    with pytest.raises(SinkUnavailable, match="too many connections for role"):
        PostgresqlSink(full, "results").open()
    with pytest.raises(SinkError, match="invalid port number") as wrong:
        PostgresqlSink("postgresql://fer:secret@127.0.0.1:99999999/x", "results").open()
    assert not isinstance(wrong.value, SinkUnavailable)
    assert "secret" not in str(wrong.value)


def test_sqlite_says_in_words_what_is_wrong(tmp_path):
    file = tmp_path / "results.db"
    SqliteSink(file, "results").close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(SinkError, match="version 9"):
        SqliteSink(file, "results")
    file.write_text("no database" * 100)
    with pytest.raises(SinkError, match="not a database"):
        SqliteSink(file, "results")


def test_an_sqlite_that_another_holds_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("ferstream.consumer.sinks.sqlite._BUSY_S", 0.01)
    file = tmp_path / "results.db"
    sink = SqliteSink(file, "results")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SinkUnavailable, match="locked"):
        sink.write([result(1)])
    other.execute("ROLLBACK")
    sink.write([result(1), result(1, captured_at=NOW), result(2**64 - 1)])
    assert other.execute("SELECT count(*) FROM results").fetchone() == (3,)
    other.close()
    sink.close()


@pytest.mark.parametrize("name", NAMES)
def test_parquet_has_a_folder_for_any_camera(tmp_path, name):
    sink = ParquetSink(tmp_path, "results")
    sink.write([result(1, camera_id=name, captured_at=NOW)])
    sink.close()
    (path,) = tmp_path.glob("day=2027-01-15/camera=*/results-*.parquet")
    assert path.parent.name == f"camera={safe_name(name)}"
    assert len(path.parent.name.encode()) < 100
    assert pq.read_table(path, partitioning=None)["camera_id"].to_pylist() == [name]


def test_cameras_that_look_alike_have_folders_of_their_own():
    assert len({safe_name(name) for name in ("a/b", "a_b", "a b", "x" * 200, "x" * 201)}) == 5


def test_parquet_merges_hours_and_days_and_mends_what_a_crash_left(tmp_path):
    sink = ParquetSink(tmp_path, "results", part_s=0)
    for sequence in range(4):
        sink.write([result(sequence, captured_at=NOW)])
    sink.close()
    (folder,) = tmp_path.glob("day=*/camera=*")
    for number, path in enumerate(sorted(folder.glob("*.parquet"))):
        path.rename(folder / f"results-20200101T0{number // 2}000000000{number}.parquet")
    first = (folder / "results-20200101T000000000000.parquet").read_bytes()
    sink = ParquetSink(tmp_path, "results")
    sink.maintain()
    sink.close()
    hours = {path.name for path in folder.iterdir()}
    assert hours in ({"results-hour-20200101T00.parquet", "results-hour-20200101T01.parquet"}, {"results-day.parquet"})
    assert sequences("parquet", tmp_path) == Counter(range(4))
    if "results-hour-20200101T00.parquet" in hours:
        (folder / "results-20200101T000000000000.parquet").write_bytes(first)
        ParquetSink(tmp_path, "results").close()
        assert sequences("parquet", tmp_path) == Counter(range(4))


def test_a_directory_that_held_events_too_is_merged_each_for_itself(tmp_path):
    for of, record in (("results", result(1, captured_at=NOW)), ("events", an_event("1"))):
        sink = ParquetSink(tmp_path, of, part_s=0)
        sink.write([record])
        sink.close()
    (folder,) = tmp_path.glob("day=*/camera=*")
    for path in folder.glob("*.parquet"):
        path.rename(folder / f"{path.name.partition('-')[0]}-20200101T000000000000.parquet")
    old = folder.parent.rename(tmp_path / "day=2020-01-01") / folder.name
    for of in ("results", "events"):
        sink = ParquetSink(tmp_path, of)
        sink.maintain()
        assert sink._open == set(), "a day that is merged is not looked at again"
        sink.close()
    assert {path.name for path in old.iterdir()} == {"results-day.parquet", "events-day.parquet"}


def test_what_may_come_again_is_in_the_newest_part_and_not_in_what_was_merged_after_it(tmp_path):
    sink = ParquetSink(tmp_path, "results", part_s=0)
    sink.write([result(1, captured_at=NOW)])
    sink.write([result(2, captured_at=NOW)])
    sink.close()
    (folder,) = tmp_path.glob("day=*/camera=*")
    first, _ = sorted(folder.glob("*.parquet"))
    merged = first.rename(folder / "results-hour-20200101T00.parquet")
    os.utime(merged, (time.time() + 5, time.time() + 5))
    assert newest_names(tmp_path, "results", ".parquet", 1) == [name_of(result(2, captured_at=NOW))]


def test_a_dry_run_prints_what_is_kept_and_leaves_everything_in_redis(client, redis_url, tmp_path):
    publish(client, result(1, faces=(face("anger"), face("fear", 0.6), face("happiness"))), result(2, faces=()))
    arguments = ("sink", "sqlite", "--file", str(tmp_path / "a.db"), "--dry-run", "--metrics-port", "0")
    process = start(redis_url, *arguments, "--emotion", "fear", "--emotion", "anger", "--least-probability", "0.7")
    line = json.loads(process.stdout.readline())
    process.terminate()
    process.communicate(timeout=PROCESS_S)
    assert [one["emotion"] for one in line["faces"]] == ["anger"]
    assert not (tmp_path / "a.db").exists()
    assert client.xinfo_groups(KEYS.results(0)) == []


def test_minutes_and_events_and_tracks_come_into_a_store(client, redis_url, tmp_path):
    begun = time.time() // 60 * 60 - 300
    publish(client, *(result(i, captured_at=begun + i) for i in range(90)))
    for _ in range(2):
        client.xadd(KEYS.events(0), encode_event(an_event("1")))
    file = tmp_path / "all.db"
    arguments = ("sink", "sqlite", "--file", str(file), "--metrics-port", "0", "--batch-seconds", "0.05")
    every = [("--tracks",), ("--of", "events"), ("--aggregate", "60s")]

    def rows(query):
        SqliteSink(file, "results").close()  # its tables are there, whoever comes first
        with sqlite3.connect(file) as connection:
            found = connection.execute(query).fetchall()
        connection.close()
        return found

    for more, query, expected in zip(
        every,
        (
            "SELECT count(*), count(track) FROM results",
            "SELECT event_id, kind FROM events",
            "SELECT results, people_max, round(s_happiness) FROM minutes ORDER BY start",
        ),
        ([(90, 90)], [("1", "left")], [(60, 1, 60.0), (30, 1, 30.0)]),
        strict=True,
    ):
        process = start(redis_url, *arguments, *more)
        eventually(lambda: rows(query) == expected)  # noqa: B023 - called here
        process.terminate()
        _, errors = process.communicate(timeout=PROCESS_S)
        assert process.returncode == 0, errors
    assert client.xpending(KEYS.results(0), "sqlite-minutes")["pending"] == 0


def test_a_wrong_combination_is_wrong_usage(redis_url, tmp_path):
    for more, text in (
        (["--of", "events", "--aggregate", "60s"], "leave out --of events"),
        (["--min-people", "5"], "--of minutes"),
    ):
        done = run(redis_url, "sink", "jsonl", "--dir", str(tmp_path), *more)
        assert (done.returncode, text in done.stderr) == (2, True)
    assert run(redis_url, "sink", "postgresql").returncode == 2


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_is_stored_of_a_camera_and_a_time_can_be_read_and_forgotten(tmp_path, database, kind):
    sink = SqliteSink(tmp_path / "a.db", "results") if kind == "sqlite" else PostgresqlSink(database.url, "results")
    sink.write([result(i, camera_id=name, captured_at=NOW + i) for name in ("door", "yard") for i in range(10)])
    span = CameraPeriod("door", NOW + 2, NOW + 5)
    assert [row["sequence"] for row in sink.read(span)] == [2, 3, 4]
    assert sink.forget(span) == 3
    assert sink.forget(span) == 0
    assert len(list(sink.read(CameraPeriod("door", NOW, NOW + 100)))) == 7
    assert len(list(sink.read(CameraPeriod("yard", NOW, NOW + 100)))) == 10
    sink.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_is_older_than_it_is_to_be_kept_is_deleted(tmp_path, database, kind):
    keep_s = 3600.0
    sink = (
        SqliteSink(tmp_path / "a.db", "results", keep_s) if kind == "sqlite" else PostgresqlSink(database.url, "results", keep_s)
    )
    sink.write([result(1, captured_at=time.time() - 7200), result(2)])
    sink.maintain()
    assert [row["sequence"] for row in sink.read(CameraPeriod("door", 0, 2 * NOW))] == [2]
    sink.close()


def test_the_tables_of_postgresql_are_those_of_the_rows():
    from ferstream.consumer.records.rows import TABLES
    from ferstream.consumer.sinks.postgresql import schema

    for table in TABLES.values():
        body = schema().partition(f"fer_{table.of} (\n")[2].partition("PRIMARY KEY")[0]
        assert tuple(line.split()[0] for line in body.splitlines() if line.strip()) == table.names
