"""Results as Parquet, one row a face: the table that analysts group by.

Columns: captured_at (UTC), media_time (seconds), camera_id, sequence, width, height, faces (how many the frame has), face (this
one's number), x1, y1, x2, y2 (pixels of the frame), score, quality, emotion, confidence, p_anger to p_surprise, landmarks (five
pairs), pose (yaw, pitch, roll), worker, frame_id, models (JSON). A frame without faces is one row with `faces` 0 and nulls for
the face. `camera_id` and `sequence` tell repeats after a crash.
"""

import json
import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from ferstream.consumer.log.append_file import LogError
from ferstream.streams.errors import FerstreamError, how_to_install
from ferstream.streams.service.atomic_file import RESULTS, WriteError, sync_directory, whole_file
from ferstream.streams.wire.emotions import EMOTIONS

log = logging.getLogger(__name__)

_ROWS = 20_000
_BEYOND_CALENDARS = 1e11
#: What comes of a line that is no JSON, or of JSON that is no result.
_NO_RESULT = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)

FaceRow = dict[str, Any]


def require_pyarrow() -> None:
    """Raises FerstreamError where pyarrow is missing."""
    try:
        import pyarrow.parquet  # noqa: F401 - a large library that only this format needs
    except ImportError as error:
        raise FerstreamError(f"--format parquet needs pyarrow: {how_to_install('parquet')}") from error


def convert(journal: Path) -> Path:
    """Turn a journal of JSON lines into a Parquet file of the same name, then remove it; returns the new file.

    The file appears whole or not at all: written under another name, made durable, renamed. Raises LogError.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = journal.with_suffix(".parquet")
    schema = _schema(pa)
    try:
        with (
            journal.open("rb") as lines,
            whole_file(target, RESULTS) as file,
            pq.ParquetWriter(file, schema, compression="zstd") as writer,
        ):
            rows = _rows(lines, journal)
            while some := list(islice(rows, _ROWS)):
                writer.write_table(pa.Table.from_pylist(some, schema=schema))
        sync_directory(target.parent)
        journal.unlink()
    except WriteError as error:
        raise LogError(f"{error}; its results are safe in {journal}") from error
    except (OSError, pa.ArrowException) as error:
        raise LogError(f"cannot write {target}: {error}; its results are safe in {journal}") from error
    return target


def _rows(lines: Iterator[bytes], journal: Path) -> Iterator[FaceRow]:
    for number, line in enumerate(lines, start=1):
        try:
            rows = list(_face_rows(json.loads(line)))
        except _NO_RESULT:  # a disk that lies: the other lines are still good
            log.warning("%s line %d holds no result, leaving it out", journal, number)
            continue
        yield from rows


def _face_rows(result: dict[str, Any]) -> Iterator[FaceRow]:
    captured_at = result["captured_at"]
    row: FaceRow = {name: result[name] for name in ("camera_id", "sequence", "width", "height", "worker", "frame_id")}
    row["captured_at"] = round(captured_at * 1e6) if abs(captured_at) < _BEYOND_CALENDARS else None
    row["media_time"] = result.get("media_time")  # as landmarks and pose, not in a journal that an older version left
    row["models"] = json.dumps(result["models"], sort_keys=True)
    row["faces"] = len(result["faces"])
    if not result["faces"]:
        yield row
    for number, face in enumerate(result["faces"]):
        probabilities = face["probabilities"]
        yield (
            row
            | {"face": number, "score": face["score"], "quality": face["quality"], "emotion": face["emotion"]}
            | dict(zip(("x1", "y1", "x2", "y2"), face["box"], strict=True))
            | {"confidence": probabilities.get(face["emotion"]), "landmarks": face.get("landmarks"), "pose": face.get("pose")}
            | {f"p_{emotion}": probabilities[emotion] for emotion in EMOTIONS}
        )


def _schema(pa: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    numbers = ["x1", "y1", "x2", "y2", "score", "quality", "confidence", *(f"p_{emotion}" for emotion in EMOTIONS)]
    return pa.schema(
        [
            ("captured_at", pa.timestamp("us", tz="UTC")),
            ("media_time", pa.float64()),
            ("camera_id", pa.string()),
            ("sequence", pa.uint64()),
            ("width", pa.uint64()),
            ("height", pa.uint64()),
            ("faces", pa.uint32()),
            ("face", pa.uint32()),
            *((name, pa.float32()) for name in numbers[:6]),
            ("emotion", pa.string()),
            *((name, pa.float32()) for name in numbers[6:]),
            ("landmarks", pa.list_(pa.list_(pa.float32()))),
            ("pose", pa.struct([(angle, pa.float32()) for angle in ("yaw", "pitch", "roll")])),
            ("worker", pa.string()),
            ("frame_id", pa.string()),
            ("models", pa.string()),
        ]
    )
