"""What one machine reaches, as `make bench` measured it: what a plan is computed from."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.atomic_file import whole_file
from ferstream.streams.service.named_file import NamedFileError, read_text

#: Faces a frame in the measurement with the most.
MOST_FACES = 3
PACKAGED = Path(__file__).with_name("capacity.json")

#: What is measured and then divided by is more than nothing.
Some = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]


class CapacityError(FerstreamError):
    """There is no measurement to plan from."""


class Capacity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One worker on one machine. Times are seconds of one core, `detect_s` and `classify_s` of one GPU where that is the device.

    `decode_s` and `frame_bytes` are by height of a 16:9 frame in pixels, `crop_s` and `classify_s` for one face: stages alone.
    `frames_per_second` is what the whole worker reached on 1280x720 with 0, 1 and 3 faces a frame. `redis_s` is what one frame
    costs the server from XADD to XDEL; `producer_camera_s` and `producer_frame_s` are what a second of one camera and each frame
    written cost its producer.
    """

    device: str
    precision: str
    machine: str
    cores: Annotated[int, Meta(ge=1)]
    measured_on: str
    load_before: NotNegative
    decode_s: dict[str, NotNegative]
    frame_bytes: dict[str, Annotated[int, Meta(ge=1)]]
    detect_s: NotNegative
    crop_s: NotNegative
    classify_s: NotNegative
    frames_per_second: dict[str, Some]
    resident_bytes: Annotated[int, Meta(ge=0)]
    redis_s: NotNegative
    redis_bytes_per_picture_byte: NotNegative
    result_bytes: NotNegative
    result_bytes_per_face: NotNegative
    producer_camera_s: NotNegative
    producer_frame_s: NotNegative

    def reached(self, faces: int) -> float:
        """Frames a second of the whole worker."""
        return self.frames_per_second[str(faces)]

    @property
    def frame_s(self) -> float:
        """Core seconds of a 720p frame without faces in a whole worker: Redis, decode, detect, and all between."""
        return self.cores / self.reached(0)

    @property
    def face_s(self) -> float:
        """Core seconds that each face adds."""
        return (self.cores / self.reached(MOST_FACES) - self.frame_s) / MOST_FACES

    def core_s(self, faces: float, height: str = "720") -> float:
        """Core seconds of a frame in a whole worker."""
        return self.frame_s + self.decode_s[height] - self.decode_s["720"] + faces * self.face_s


def read_capacities(path: Path = PACKAGED) -> list[Capacity]:
    """Every measurement in a file. Raises CapacityError."""
    try:
        return msgspec.json.decode(read_text(path), type=list[Capacity])
    except NamedFileError as error:
        raise CapacityError(str(error)) from error
    except msgspec.DecodeError as error:
        raise CapacityError(f'{path} is not what `make bench ARGS="--write FILE"` writes ({error})') from error


def capacity_of(rows: Iterable[Capacity], device: str, precision: str) -> Capacity | None:
    """The measurement for a device and a precision, if there is one."""
    return next((row for row in rows if (row.device, row.precision) == (device, precision)), None)


def write_capacity(path: Path, measured: Capacity) -> None:
    """Put a measurement into a file, in place of the one for the same device and precision. Raises CapacityError, WriteError."""
    kept = read_capacities(path) if path.exists() else []
    rows = [row for row in kept if (row.device, row.precision) != (measured.device, measured.precision)]
    rows = sorted([*rows, measured], key=lambda row: (row.device, row.precision))
    with whole_file(path) as file:
        file.write((json.dumps([_rounded(msgspec.to_builtins(row)) for row in rows], indent=2) + "\n").encode())


def _rounded(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Four digits: more is noise."""
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value
