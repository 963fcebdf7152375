"""Records entries for tests/streams/wire/test_wire_versions.py: `python -m tests.plays.record_wire` writes entries.json there.

Real entries come from the programs of released versions, taken from the history and recorded once, and of this tree; variants of
them stand for other writers. Each is shown to the reader of 0.1.0, and what that did is recorded too. Run it again for each
release.
"""

import base64
import json
import subprocess
import sys
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import cv2
import msgpack
from skimage import data

from ferstream.consumer.tracking.tracker import FaceTracker
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import decode_result, encode_event
from tests.support.fleet import KEYS, wait_until
from tests.support.paths import ROOT

ENTRIES = ROOT / "tests" / "streams" / "wire" / "entries.json"
#: The last commit of each release.
RELEASES = {"0.1.0": "9d9907b", "0.2.0": "2a30fbd"}

#: Reads entries on standard input with the codec of 0.1.0 in the working directory; says of each "read" or why not.
_READER = """
import base64, json, sys
from streams.codec import decode_frame, decode_result
from streams.errors import DecodeError
said = {}
for entry in json.load(sys.stdin):
    fields = {name.encode(): base64.b64decode(value) for name, value in entry["fields"].items()}
    try:
        (decode_frame if entry["kind"] == "frame" else decode_result)("1-0", fields)
        said[entry["name"]] = "read"
    except DecodeError as error:
        said[entry["name"]] = error.reason
print(json.dumps(said))
"""


@contextmanager
def running(tree: Path, module: str, *arguments: str):
    """One program of a tree."""
    command = [sys.executable, "-c", f"from {module} import main; main()", "run", "--metrics-port", "0", *arguments]
    process = subprocess.Popen(command, cwd=tree)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def record(tree: Path, package: str, picture: Path) -> dict[str, dict[bytes, bytes]]:
    """A frame entry and its result entry, by producer and worker of a tree whose modules begin with `package`."""
    with EmbeddedRedis() as server:
        client = connect(server.url)
        camera = (
            "--redis",
            server.url,
            "--camera",
            f"door={picture}",
            "--freshness",
            "600",
            "--stay",
            "--max-side",
            "112",
            "--jpeg-quality",
            "60",
        )
        with running(tree, f"{package}producer.cli", *camera):
            ((_, frame),) = wait_until(lambda: client.xrange(KEYS.frames(0)))
            with running(tree, f"{package}workers.cli", "--redis", server.url, "--device", "cpu", "--name", "node-1"):
                ((_, result),) = wait_until(lambda: client.xrange(KEYS.results(0)), 120)
        client.close()
    return {"frame": frame, "result": result}


def changed(fields: dict[bytes, bytes], **values: object) -> dict[bytes, bytes]:
    """The same entry with other values in its map."""
    (name,) = fields.keys() & {b"m", b"r", b"e"}
    return fields | {name: msgpack.packb(msgpack.unpackb(fields[name]) | values)}


def without(fields: dict[bytes, bytes], lost: str) -> dict[bytes, bytes]:
    """The same entry with one value fewer in its map."""
    (name,) = fields.keys() & {b"m", b"r", b"e"}
    return fields | {name: msgpack.packb({key: value for key, value in msgpack.unpackb(fields[name]).items() if key != lost})}


def recorded() -> dict[str, dict[bytes, bytes]]:
    """The entries of releases that are there already."""
    entries = json.loads(ENTRIES.read_text("utf-8")) if ENTRIES.exists() else []
    return {
        entry["name"]: {field.encode(): base64.b64decode(value) for field, value in entry["fields"].items()}
        for entry in entries
        if entry["name"].rpartition(" by ")[2] in RELEASES
    }


def variants_of_1(frame: dict[bytes, bytes], result: dict[bytes, bytes]) -> dict[str, dict[bytes, bytes]]:
    """What another writer of version 1 might say."""
    (face,) = msgpack.unpackb(result[b"r"])["faces"]
    return {
        "frame with further fields": changed(frame, rotation=90, site={"floor": 2}) | {b"s": b"signature"},
        "frame without traceparent": without(frame, "traceparent"),
        "frame with traceparent": changed(frame, traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        "frame of another encoding": changed(frame, encoding="webp"),
        "frame without a deadline": without(frame, "deadline"),
        "result with further fields": changed(result, region="eu", faces=[face | {"track": 7, "age": None}]),
        "result with an unknown face": changed(result, faces=[face | {"emotion": "unknown"}]),
        "result with a ninth emotion": changed(result, faces=[face | {"emotion": "boredom"}]),
        "result without quality": changed(result, faces=[{key: value for key, value in face.items() if key != "quality"}]),
    }


def variants_of_2(frame: dict[bytes, bytes], result: dict[bytes, bytes]) -> dict[str, dict[bytes, bytes]]:
    """What another writer of version 2 might say, and one of a version to come."""
    (face,) = msgpack.unpackb(result[b"r"])["faces"]
    bare = face | {"emotion": "unknown", "confidence": None, "landmarks": None, "pose": None}
    return {
        "frame of version 2 with further fields": changed(frame, rotation=90),
        "frame of version 2 by nobody who keeps account": changed(frame, producer=None),
        "frame of version 2 without media time": without(frame, "media_time"),
        "result of version 2 with further fields": changed(result, faces=[face | {"age": None}]),
        "result of version 2 with an unknown face": changed(result, faces=[bare]),
        "result of version 2 with a confident unknown face": changed(result, faces=[face | {"emotion": "unknown"}]),
        "result of version 2 with four landmarks": changed(result, faces=[face | {"landmarks": face["landmarks"][:4]}]),
        "frame of version 3": changed(frame, version=3),
        "result of version 3": changed(result, version=3),
    }


def event_of(result: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The entry of an event: that the face of a recorded result, seen for a second, left."""
    tracker, seen = FaceTracker(), decode_result("1-0", result)
    for number in range(11):
        at = seen.captured_at + number / 10
        tracker.update(replace(seen, sequence=seen.sequence + number, captured_at=at, media_time=number / 10))
    (left,) = tracker.finish()
    return encode_event(left)


def events_of(event: dict[bytes, bytes]) -> dict[str, dict[bytes, bytes]]:
    """The event, and what another writer might say."""
    return {
        "event by this version": event,
        "event with further fields": changed(event, room="hall"),
        "event of an unknown kind": changed(event, kind="waved"),
        "event without shares": without(event, "shares"),
        "event of version 3": changed(event, version=3),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "pictures" / "portrait.png"
        picture.parent.mkdir()
        cv2.imwrite(str(picture), cv2.cvtColor(cv2.resize(data.astronaut()[:300, 80:380], (160, 160)), cv2.COLOR_RGB2BGR))
        trees = {}
        for release, commit in RELEASES.items():
            trees[release] = Path(folder) / release
            archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
            with tarfile.open(fileobj=BytesIO(archive)) as files:
                files.extractall(trees[release], filter="data")
        found = recorded()
        for writer, tree in {**trees, "this version": ROOT}.items():
            if f"frame by {writer}" not in found:
                package = "" if writer in RELEASES else "ferstream."  # releases up to 0.2 had five packages at the top
                entries = record(tree, package, picture.parent)
                if writer == "this version":  # not the name of the machine that this runs on
                    entries["frame"] = changed(entries["frame"], producer="node-2:17")
                found |= {f"{kind} by {writer}": fields for kind, fields in entries.items()}
        found |= variants_of_1(found["frame by 0.2.0"], found["result by 0.2.0"])
        found |= variants_of_2(found["frame by this version"], found["result by this version"])
        events = events_of(event_of(found["result by this version"]))
        listed = [
            {
                "name": name,
                "kind": name.split()[0],
                "fields": {field.decode(): base64.b64encode(value).decode() for field, value in fields.items()},
            }
            for name, fields in (found | events).items()
        ]
        reader = subprocess.run(
            [sys.executable, "-c", _READER],
            cwd=trees["0.1.0"],
            input=json.dumps([entry for entry in listed if entry["kind"] != "event"]),
            capture_output=True,
            text=True,
            check=True,
        )
        said = json.loads(reader.stdout) | dict.fromkeys(events, "not asked")  # 0.1.0 knows no stream of events
    ENTRIES.parent.mkdir(exist_ok=True)
    ENTRIES.write_text(json.dumps([entry | {"0.1.0": said[entry["name"]]} for entry in listed], indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
