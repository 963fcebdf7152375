"""GET /api/cameras, and what there is of one camera."""

from typing import Annotated, Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ferstream.consumer.dashboard.api.answer import json_answer
from ferstream.consumer.dashboard.api.arguments import arguments
from ferstream.consumer.dashboard.api.describe import Query, described
from ferstream.consumer.dashboard.api.door import Door
from ferstream.consumer.dashboard.live.camera.figures import Figures
from ferstream.consumer.dashboard.live.camera.timeline import KEPT_S, Emotions, Person, Timeline, TrackThatLeft
from ferstream.consumer.dashboard.live.hub import Hub
from ferstream.consumer.dashboard.live.messages import Faces

#: Steps of a timeline at most.
MOST_STEPS = 3600
#: Seconds to wait for a picture.
PICTURE_S = 3.0


class CameraAnswer(msgspec.Struct, frozen=True):
    """A camera: what its producer says (as `cameras` of GET /api/status), how its results come, and the newest of them."""

    camera_id: str
    status: dict[str, Any] | None
    figures: Figures | None
    faces: Faces | None


class CameraDetail(CameraAnswer, frozen=True):
    """A camera, with those who are in front of it and those who left last."""

    people: list[Person]
    tracks: list[TrackThatLeft]


_TIMELINE = (
    Query("minutes", Annotated[float, msgspec.Meta(gt=0, le=KEPT_S / 60)], "How far back.", 60.0),
    Query("step", Annotated[float, msgspec.Meta(ge=1, le=3600)], "Seconds of a step.", 10.0),
)


class CamerasApi:
    """The endpoints."""

    def __init__(self, hub: Hub, door: Door) -> None:
        self._hub, self._door = hub, door

    def routes(self) -> list[BaseRoute]:
        camera = "/api/cameras/{camera:path}"
        return [
            Route("/api/cameras", self.all),
            Route(f"{camera}/timeline", self.timeline),
            Route(f"{camera}/picture.jpg", self.picture),
            Route(camera, self.one),
        ]

    @described("All cameras that are known, by name.", list[CameraAnswer])
    async def all(self, _request: Request) -> Response:
        return json_answer([self._answer(camera_id) for camera_id in self._hub.cameras()])

    @described("One camera, with people now and tracks that left.", CameraDetail, wrong=(404,))
    async def one(self, request: Request) -> Response:
        answer = self._answer(self._known(request))
        view = self._hub.camera(answer.camera_id)
        people = view.timeline.people(self._hub.now) if view else []
        tracks = view.timeline.left() if view else []
        return json_answer(CameraDetail(**msgspec.structs.asdict(answer), people=people, tracks=tracks))

    @described("How many faces showed each expression, in steps of the last hour.", Emotions, *_TIMELINE, wrong=(400, 404))
    async def timeline(self, request: Request) -> Response:
        asked = arguments(request, _TIMELINE)
        seconds, step = asked["minutes"] * 60, asked["step"]
        if seconds / step > MOST_STEPS:
            raise HTTPException(400, f"that would be more than {MOST_STEPS} steps: ask for fewer minutes, or a longer step")
        view = self._hub.camera(self._known(request))
        timeline = view.timeline if view else Timeline()  # of a camera that gave no result yet
        return json_answer(timeline.emotions(self._hub.now, seconds, step))

    @described("The newest small picture; asks workers for one.", "image/jpeg", wrong=(403, 404))
    async def picture(self, request: Request) -> Response:
        self._door.need_pictures(request)
        camera_id = self._known(request)
        await self._door.looks(request, [camera_id])
        preview = await self._hub.picture(camera_id, PICTURE_S)
        if preview is None:
            raise HTTPException(404, f"no picture came for {PICTURE_S:.0f} s: is the camera live, has a worker --previews?")
        about = {
            "Cache-Control": "no-store",
            "X-Sequence": str(preview.sequence),
            "X-Captured-At": repr(preview.captured_at),
            "X-Blurred": str(int(preview.blurred)),
        }
        return Response(preview.jpeg, headers=about, media_type="image/jpeg")

    def _known(self, request: Request) -> str:
        camera_id: str = request.path_params["camera"]
        if self._hub.camera(camera_id) is None and self._hub.camera_status(camera_id) is None:
            raise HTTPException(404, f"there is no camera {camera_id[:128]!r}: GET /api/cameras lists them")
        return camera_id

    def _answer(self, camera_id: str) -> CameraAnswer:
        view = self._hub.camera(camera_id)
        return CameraAnswer(
            camera_id=camera_id,
            status=self._hub.camera_status(camera_id),
            figures=view.figures() if view else None,
            faces=view.newest if view else None,
        )
