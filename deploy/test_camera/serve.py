"""The test camera: serves a clip over RTSP, again and again, as rtsp://HOST:8554/portraits. Needs GStreamer's `gi`.

python3 serve.py clip.mkv
"""

import argparse
import signal
import sys
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - versions are chosen before the import

CAPS = "video/x-h264,stream-format=byte-stream,alignment=au"
READ = 'filesrc location="{clip}" ! matroskademux ! h264parse ! {caps} ! appsink name=out sync=false'
SERVE = f"( appsrc name=in format=time block=true caps={CAPS} ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=1 )"


def read_clip(clip: Path) -> list[Gst.Buffer]:
    """The clip's pictures, still encoded. Ends the program where the file is no clip."""
    pipeline = Gst.parse_launch(READ.format(clip=clip, caps=CAPS))
    pipeline.set_state(Gst.State.PLAYING)
    out, pictures = pipeline.get_by_name("out"), []
    while (sample := out.emit("pull-sample")) is not None:
        pictures.append(sample.get_buffer())
    pipeline.set_state(Gst.State.NULL)
    return pictures or sys.exit(f"{clip} is no clip: make_clip.py makes one")


class Player:
    """Feeds the clip to whoever watches, over and over with times that go on."""

    def __init__(self, pictures: list[Gst.Buffer]) -> None:
        self._pictures = pictures
        self._played = 0
        times = [picture.pts for picture in pictures]
        self._step = (times[-1] - times[0]) // max(1, len(times) - 1)  # nanoseconds

    def configure(self, _factory: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia) -> None:
        self._played = 0
        media.get_element().get_by_name("in").connect("need-data", self._feed)

    def _feed(self, source: Gst.Element, _bytes: int) -> None:
        picture = self._pictures[self._played % len(self._pictures)].copy()
        picture.pts = picture.dts = self._played * self._step
        picture.duration = self._step
        self._played += 1
        source.emit("push-buffer", picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, help="H.264 in Matroska to serve")
    parser.add_argument("--name", default="portraits", help="path of the stream")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on")
    parser.add_argument("--port", default="8554", help="port to listen on; 0 takes a free one")
    arguments = parser.parse_args()
    if not arguments.clip.is_file():
        sys.exit(f"there is no clip {arguments.clip}: make_clip.py makes it")
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(arguments.host)
    server.set_service(arguments.port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(SERVE)
    factory.connect("media-configure", Player(read_clip(arguments.clip)).configure)
    factory.set_shared(True)  # every viewer sees the same moment, as of a camera
    server.get_mount_points().add_factory(f"/{arguments.name}", factory)
    if not server.attach(None):
        sys.exit(f"cannot listen on {arguments.host}:{arguments.port}: choose another --port")
    print(f"rtsp://{arguments.host}:{server.get_bound_port()}/{arguments.name}", flush=True)  # noqa: T201 - its one line
    loop = GLib.MainLoop()
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    loop.run()


if __name__ == "__main__":
    main()
