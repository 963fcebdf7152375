"""Several Parquet files into one, with no row lost or doubled by a crash."""

import json
from collections.abc import Sequence
from pathlib import Path

from ferstream.consumer.log.append_file import LogError
from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.atomic_file import RESULTS, sync_directory, whole_file

#: In the new file's metadata: the files that are in it. One of them that is still there was left by a crash.
_MERGED = b"ferstream.merged"


def merge(target: Path, parts: Sequence[Path]) -> None:
    """Put the parts, and what `target` holds already, into `target`; then remove the parts. One part is in memory at a time.

    Raises LogError.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sources = [*([target] if target.exists() else []), *parts]
    try:
        schema = pq.read_schema(sources[0]).with_metadata({_MERGED: json.dumps([path.name for path in parts])})
        with whole_file(target, RESULTS) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for path in sources:
                writer.write_table(pq.read_table(path, partitioning=None).replace_schema_metadata(schema.metadata))
        sync_directory(target.parent)
        for path in parts:
            path.unlink()
    except (OSError, FerstreamError, pa.ArrowException) as error:
        raise LogError(f"cannot merge Parquet files into {target}: {error}; they stay as they are") from error


def remove_merged(folder: Path) -> None:
    """Remove what a crash left of files that were merged. Raises LogError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = {path.name: path for path in folder.glob("*.parquet")}
    for path in names.values():
        try:
            if not path.exists():  # it was one of those
                continue
            inside = json.loads((pq.read_schema(path).metadata or {}).get(_MERGED, b"[]"))
            for name in inside:
                if (left := names.get(name)) is not None and left != path:
                    left.unlink(missing_ok=True)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise LogError(f"cannot read {path}: {error}; move it away") from error
