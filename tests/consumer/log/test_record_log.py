import json
import os
import time

import pytest

from ferstream.consumer.log import record_log
from ferstream.consumer.log.append_file import AppendFile, DirectoryLock, LogError, cut_torn_tail
from ferstream.consumer.log.record_log import RecordLog, Rotation
from ferstream.streams.wire.codec import result_map
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.streams.wire.messages import Result

HOUR = Rotation(10**6, 3600)


def result(sequence):
    return Result(
        camera_id="door",
        sequence=sequence,
        captured_at=1.0,
        frame_id="1-1",
        width=8,
        height=8,
        faces=(),
        models={},
        seconds={},
        worker="w",
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (b"a\n", b"a\n"),
        (b"a\nb", b"a\n"),
        (b"torn", b""),
        (b"\n", b"\n"),
        (b"a\n" + b"x" * 200_000, b"a\n"),
        (b"a" * 65_535 + b"\n" + b"x" * 65_536, b"a" * 65_535 + b"\n"),
        (b"x" * 200_000, b""),
    ],
)
def test_only_whole_lines_are_kept(tmp_path, before, after):
    path = tmp_path / "log"
    path.write_bytes(before)
    assert cut_torn_tail(path) == len(before) - len(after)
    assert path.read_bytes() == after


def test_files_rotate_by_size_and_by_age(tmp_path):
    with RecordLog(tmp_path, "jsonl", Rotation(1, 3600)) as log:
        for sequence in range(3):
            log.write([result(sequence)])
            log.sync()
    with RecordLog(tmp_path, "jsonl", Rotation(10**6, 0.05)) as log:
        log.write([result(3)])
        log.sync()
        time.sleep(0.06)
        log.sync()
        log.write([result(4)])
    paths = sorted(tmp_path.glob("*.jsonl"))
    assert [json.loads(path.read_text())["sequence"] for path in paths] == [0, 1, 2, 3, 4]


def test_nothing_to_write_makes_no_file(tmp_path):
    with RecordLog(tmp_path, "parquet", HOUR) as log:
        log.write([])
        log.sync()
    assert not list(tmp_path.glob("results-*"))


def test_old_files_of_ours_are_deleted_and_no_others(tmp_path):
    names = ["results-20200101T000000000000.jsonl", "results-20200101T000000000001.parquet", "results-mine.jsonl", "notes.txt"]
    for name in names:
        (tmp_path / name).write_text("{}\n")
        os.utime(tmp_path / name, (1e9, 1e9))
    with RecordLog(tmp_path, "jsonl", Rotation(1, 1, keep_s=86400)):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {".lock", *names[2:]}


def test_the_file_that_is_open_is_kept_however_quiet_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(record_log, "_RETENTION_CHECK_S", -1.0)
    with RecordLog(tmp_path, "jsonl", Rotation(10**6, 3600, keep_s=60)) as log:
        log.write([result(1)])
        log.sync()
        (path,) = tmp_path.glob("*.jsonl")
        os.utime(path, (1e9, 1e9))
        log.sync()
        log.write([result(2)])
        log.sync()
        assert [json.loads(line)["sequence"] for line in path.read_text().splitlines()] == [1, 2]


@pytest.mark.parametrize("format_", ["jsonl", "parquet"])
def test_results_are_not_for_everybody_on_the_machine(tmp_path, format_):
    with RecordLog(tmp_path, format_, HOUR) as log:
        log.write([result(1)])
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


def test_one_writer_a_directory(tmp_path):
    with DirectoryLock(tmp_path), pytest.raises(LogError, match="another"):
        RecordLog(tmp_path, "jsonl", HOUR)
    RecordLog(tmp_path, "jsonl", HOUR).close()


def test_a_directory_that_cannot_be_had(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LogError, match="cannot write in"):
        RecordLog(tmp_path / "file" / "logs", "jsonl", HOUR)


def test_a_full_disk_is_one_clear_line():
    journal = AppendFile.__new__(AppendFile)
    # /dev/full is a disk with no room
    journal.path, journal.size = "/dev/full", 0
    journal._fd = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(LogError, match="No space left"):
        journal.append(b"x\n")
    os.close(journal._fd)


@pytest.mark.parametrize("line", [b"\0\0\0", b"{}", b"7", b'{"faces": [{}]}', b"[" * 100_000], ids=lambda line: repr(line[:9]))
def test_parquet_leaves_out_a_line_that_a_bad_disk_made(tmp_path, caplog, line):
    import pyarrow.parquet

    with RecordLog(tmp_path, "jsonl", HOUR) as log:
        log.write([result(1), result(2)])
    (path,) = tmp_path.glob("*.jsonl")
    path.rename(path.with_suffix(".journal"))
    with path.with_suffix(".journal").open("ab") as file:
        file.write(line + b"\n")
    with RecordLog(tmp_path, "parquet", HOUR):
        pass
    assert pyarrow.parquet.read_table(path.with_suffix(".parquet")).num_rows == 2
    assert "line 3 holds no result" in caplog.text
    assert not list(tmp_path.glob("*.journal"))


def test_a_journal_that_an_older_version_left_becomes_parquet(tmp_path):
    import pyarrow.parquet

    face = {"box": [1, 2, 3, 4], "score": 0.9, "quality": 0.5, "probabilities": dict.fromkeys(EMOTIONS, 0.125)}
    faces = [face | {"emotion": emotion} for emotion in ("fear", "unknown")]
    line = result_map(result(1)) | {"version": 1, "faces": faces}
    del line["media_time"]
    journal = tmp_path / "results-20260101T000000000000.journal"
    journal.write_text(json.dumps(line) + "\n")
    with RecordLog(tmp_path, "parquet", HOUR):
        pass
    rows = pyarrow.parquet.read_table(journal.with_suffix(".parquet")).to_pylist()
    assert [(row["emotion"], row["confidence"], row["media_time"], row["pose"]) for row in rows] == [
        ("fear", 0.125, None, None),
        ("unknown", None, None, None),
    ]
