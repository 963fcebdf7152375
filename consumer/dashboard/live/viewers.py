"""All viewers: who is told what, each message made once."""

from collections.abc import Set

from ferstream.consumer.dashboard.live import messages
from ferstream.consumer.dashboard.live.camera.camera_view import CameraView, picture_of
from ferstream.consumer.dashboard.live.metrics import DashboardMetrics
from ferstream.consumer.dashboard.live.viewer import ALL, SEND_S, Viewer
from ferstream.streams.wire.messages import Event, Preview


class Viewers:
    """Those who are connected now."""

    def __init__(self, metrics: DashboardMetrics) -> None:
        self._metrics = metrics
        self._all: set[Viewer] = set()

    def add(self, viewer: Viewer) -> None:
        self._all.add(viewer)
        self._metrics.viewers.set(len(self._all))

    def remove(self, viewer: Viewer) -> None:
        self._all.discard(viewer)
        self._metrics.viewers.set(len(self._all))

    def drop_stuck(self) -> None:
        """Who has not read for too long is let go."""
        for viewer in self._all:
            if viewer.stuck_s() > SEND_S:
                viewer.drop("slow")

    def wanted_pictures(self, known: Set[str]) -> dict[str, int]:
        """Of the cameras that are known those whose pictures somebody sees, with the longest side that is asked for."""
        wanted: dict[str, int] = {}
        for asked in {tuple(viewer.pictures.items()) for viewer in self._all}:
            for camera_id, side in asked:
                for one in known if camera_id == ALL else {camera_id} & known:
                    wanted[one] = max(side, wanted.get(one, 0))
        return wanted

    def see_pictures(self, camera_id: str) -> bool:
        """Whether anybody sees pictures of a camera."""
        return any(viewer.sees_pictures(camera_id) for viewer in self._all)

    def picture(self, faces: messages.Faces, preview: Preview) -> None:
        """A picture with the faces of its frame."""
        message = messages.picture_bytes(picture_of(faces, preview), preview.jpeg)
        for viewer in self._all:
            if viewer.sees_pictures(faces.camera):
                viewer.offer("picture", faces.camera, message)

    def faces(self, view: CameraView, faces: messages.Faces) -> None:
        """Faces for those whom no picture brings them."""
        text = ""
        for viewer in self._all:
            with_picture = view.gives_pictures and viewer.sees_pictures(faces.camera)
            if viewer.sees_results(faces.camera) and not with_picture:
                text = text or messages.faces_text(faces)
                viewer.offer("faces", faces.camera, text)

    def event(self, event: Event) -> None:
        """Something happened."""
        if self._all:
            self.say(messages.event_text(event))

    def say(self, text: str) -> None:
        """What all are told, in this order."""
        for viewer in self._all:
            viewer.offer_event(text)

    def show(self, kind: str, text: str) -> None:
        """What all are told, unless a newer one comes first."""
        for viewer in self._all:
            viewer.offer(kind, "", text)
