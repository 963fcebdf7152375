"""/api/config: cameras are listed, changed, tried and removed, by an admin."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ferstream.consumer.dashboard.access.access import require
from ferstream.consumer.dashboard.api.answer import json_answer
from ferstream.consumer.dashboard.api.describe import described
from ferstream.consumer.dashboard.api.door import Door
from ferstream.consumer.dashboard.cameras.camera_file import CameraFile, Conflict, NoSuchCamera
from ferstream.consumer.dashboard.cameras.known_settings import KnownSetting, known_settings
from ferstream.consumer.dashboard.cameras.program import Found, ProducerProgram, ProgramFailed, TooManyTrials
from ferstream.consumer.dashboard.cameras.wishes import CameraEntry, Trial, Wish
from ferstream.consumer.dashboard.cameras.wishes import described as shown
from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.atomic_file import WriteError

log = logging.getLogger(__name__)
W = TypeVar("W", bound=Wish)
T = TypeVar("T")

#: 32 polygons of 64 corners with all digits are a third of it.
LARGEST_BODY = 256 * 1024
_STATUS: dict[type[FerstreamError], int] = {
    NoSuchCamera: 404,
    Conflict: 409,
    WriteError: 409,
    TooManyTrials: 429,
    ProgramFailed: 503,
}
_NO_FILE = "this server changes no cameras: start fer-dashboard run with --cameras FILE"
_WRONG = (400, 401, 403, 404, 409, 413, 503)


class CamerasAnswer(msgspec.Struct, frozen=True):
    """The cameras of the file, in its order, and the settings that there are. `version` goes with a change, see PUT."""

    file: str
    version: str
    cameras: list[CameraEntry]
    settings: dict[str, KnownSetting]


def routes(cameras_file: Path | None, door: Door) -> list[BaseRoute]:
    """The endpoints; without a file they say how to have one."""
    config = CamerasConfig(cameras_file, door)
    return [
        Route("/api/config/cameras", config.all, methods=["GET"]),
        Route("/api/config/cameras/{camera:path}", config.put, methods=["PUT"]),
        Route("/api/config/cameras/{camera:path}", config.remove, methods=["DELETE"]),
        Route("/api/config/check", config.check, methods=["POST"]),
    ]


class CamerasConfig:
    """The endpoints of one cameras file."""

    def __init__(self, cameras_file: Path | None, door: Door) -> None:
        self._door = door
        self._program = ProducerProgram()
        self._file = CameraFile(cameras_file, self._program) if cameras_file is not None else None

    @described("The cameras of the cameras file, without passwords. For admins.", CamerasAnswer, wrong=_WRONG)
    async def all(self, request: Request) -> Response:
        file = self._opened(request)
        known = await _done(lambda: self._program.settings)
        listing = await _done(file.read)
        cameras = [shown(name, entry) for name, entry in listing.entries.items()]
        return json_answer(CamerasAnswer(file.name, listing.version, cameras, known_settings(known)))

    @described("Add a camera or change one, as it then is in the file.", CameraEntry, body=Wish, wrong=_WRONG)
    async def put(self, request: Request) -> Response:
        file, name = self._opened(request), request.path_params["camera"]
        wish = await _body(request, Wish)
        entry = await _done(lambda: file.put(name, wish))
        self._tell(request, "has put into", name)
        return json_answer(shown(name, entry))

    @described("Take a camera out of the file.", None, wrong=_WRONG, status=204)
    async def remove(self, request: Request) -> Response:
        file, name = self._opened(request), request.path_params["camera"]
        await _done(lambda: file.remove(name))
        self._tell(request, "has taken out of", name)
        return Response(status_code=204)

    @described("Open a camera once, as it is wished: what it is, and what it shows.", Found, body=Trial, wrong=(*_WRONG, 429))
    async def check(self, request: Request) -> Response:
        file = self._opened(request)
        trial = await _body(request, Trial)
        picture = self._door.may_see_pictures(request)
        found = await _done(lambda: self._program.try_out(trial.name, file.trial(trial.name, trial), picture=picture))
        if found.picture:
            await self._door.looks(request, [trial.name])
        return json_answer(found)

    def _opened(self, request: Request) -> CameraFile:
        require(request, "admin")
        if self._file is None:
            raise HTTPException(404, _NO_FILE)
        return self._file

    def _tell(self, request: Request, what: str, name: str) -> None:
        assert self._file
        log.info("%s %s %s: camera %s", require(request, "admin").name, what, self._file.name, name)


async def _done(work: Callable[[], T]) -> T:
    """What it gives, in a thread. Raises HTTPException with its words."""
    try:
        return await run_sync(work)
    except FerstreamError as error:
        raise HTTPException(_STATUS.get(type(error), 400), str(error)) from None


async def _body(request: Request, type_: type[W]) -> W:
    """Raises HTTPException."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise HTTPException(413, f"a camera takes at most {LARGEST_BODY} bytes")
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        raise HTTPException(400, f"this is no camera: {error}") from None
    except (msgspec.DecodeError, ValueError, RecursionError):  # its own text may quote the body
        raise HTTPException(400, "this is no camera: the body must be JSON") from None
