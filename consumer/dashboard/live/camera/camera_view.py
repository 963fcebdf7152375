"""What is known of one camera: its newest faces, how it does, its tracks, and the pictures that wait for their faces."""

import asyncio
import math
import time
from collections.abc import Mapping
from contextlib import suppress

from ferstream.consumer.dashboard.live.camera.figures import Figures, RecentResults
from ferstream.consumer.dashboard.live.camera.pairing import Pairing
from ferstream.consumer.dashboard.live.camera.timeline import Timeline
from ferstream.consumer.dashboard.live.messages import Faces, Picture, face_message
from ferstream.streams.wire.messages import Preview, Result

#: A camera of which a picture came within this gives pictures: its faces come with them, and not alone.
PICTURED_S = 1.0
#: A camera of which no producer says anything, and that gave no result for so long, is gone.
GONE_S = 10.0


class CameraView:
    """One camera as viewers see it."""

    def __init__(self, camera_id: str) -> None:
        self.camera_id = camera_id
        self.newest: Faces | None = None
        self.heard_at = time.monotonic()
        self.timeline = Timeline()
        self._seen_at = time.monotonic()
        self._recent = RecentResults()
        self._pairs: Pairing[Faces, Preview] = Pairing()
        self._preview: Preview | None = None
        self._preview_at = self._pictured_at = -math.inf
        self._previewed = asyncio.Event()
        self._pictured = 0.0  # capture time of the picture that went out last

    def take_result(self, result: Result, since: Mapping[int, float], age_s: float) -> Faces:
        """A result whose faces have their tracks, which began at `since`: what viewers are told of it."""
        self._seen_at = time.monotonic()
        self._recent.add(age_s)
        self.newest = Faces(
            camera=self.camera_id,
            sequence=result.sequence,
            captured_at=result.captured_at,
            width=result.width,
            height=result.height,
            faces=[face_message(face, since.get(face.track or 0)) for face in result.faces],
        )
        return self.newest

    def pair_faces(self, faces: Faces) -> tuple[Faces, Preview] | None:
        """The faces with the picture of their frame, where that came before."""
        return self._in_order(self._pairs.faces((faces.sequence, faces.captured_at), faces))

    def pair_picture(self, preview: Preview) -> tuple[Faces, Preview] | None:
        """A picture with the faces of its frame, where those came before."""
        self._preview, self._preview_at = preview, time.monotonic()
        self._previewed.set()
        return self._in_order(self._pairs.picture((preview.sequence, preview.captured_at), preview))

    def tidy(self, silent_s: float) -> None:
        """Keep no picture longer than it is new. Where no result came for so long, nobody is followed, whatever events said."""
        if not self.pictured_lately:
            self._preview = None
            self._pairs.clear()
        if time.monotonic() - self._seen_at > silent_s:
            self.timeline.end_open(self.newest.captured_at if self.newest else 0.0)

    async def picture(self, within_s: float) -> Preview | None:
        """The newest picture, or else the next one; None where that takes longer."""
        if not self.pictured_lately:
            self._previewed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._previewed.wait()
        return self._preview if self.pictured_lately else None

    @property
    def pictured_lately(self) -> bool:
        """Whether a picture came just now, with its faces or not."""
        return time.monotonic() - self._preview_at <= PICTURED_S

    @property
    def gives_pictures(self) -> bool:
        """Whether a picture went out just now."""
        return time.monotonic() - self._pictured_at < PICTURED_S

    @property
    def gives_results(self) -> bool:
        """Whether a result came lately."""
        return self.newest is not None and time.monotonic() - self._seen_at < GONE_S

    def figures(self) -> Figures:
        return self._recent.figures([face.emotion for face in self.newest.faces] if self.newest else [])

    def _in_order(self, pair: tuple[Faces, Preview] | None) -> tuple[Faces, Preview] | None:
        """The pair, unless a newer picture is out."""
        if pair is None:
            return None
        captured_at = pair[0].captured_at
        if captured_at < self._pictured and self.gives_pictures:
            return None
        self._pictured_at, self._pictured = time.monotonic(), captured_at
        return pair


def picture_of(faces: Faces, preview: Preview) -> Picture:
    """What is said of a picture: its frame, and the faces in it."""
    return Picture(
        camera=faces.camera,
        sequence=faces.sequence,
        captured_at=faces.captured_at,
        width=faces.width,
        height=faces.height,
        picture=(preview.width, preview.height),
        blurred=preview.blurred,
        faces=faces.faces,
    )
