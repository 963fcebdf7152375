"""A real RTSP server for tests, on GStreamer; run by a Python that has `gi` (see test_tools.sh), not by the tests' own.

    python3 rtsp_server.py [--port N] [--user NAME --password WORD] [NAME=FILE ...]

Serves each H.264 file as rtsp://127.0.0.1:PORT/NAME, and a test pattern as /pattern; prints `ready PORT` when it does.
"""

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - versions are chosen before the import

PATTERN = (
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=25/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)


ELEMENTS = ("videotestsrc", "x264enc", "rtph264pay", "h264parse", "qtdemux", "matroskademux")


def launch_line(path):
    demuxer = "qtdemux" if path.endswith(".mp4") else "matroskademux"
    return f'( filesrc location="{path}" ! {demuxer} ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=1 )'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="0")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--check", action="store_true", help="only tell by the exit status whether all that is needed is there")
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    Gst.init(None)
    if arguments.check:
        sys.exit(not all(Gst.ElementFactory.find(element) for element in ELEMENTS))
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(arguments.port)
    mounts = server.get_mount_points()
    lines = {"pattern": PATTERN} | {name: launch_line(path) for name, _, path in (f.partition("=") for f in arguments.files)}
    for name, line in lines.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(line)
        factory.set_shared(True)
        if arguments.user:
            role = Gst.Structure.new_empty("watcher")
            for permission in ("media.factory.access", "media.factory.construct"):
                role.set_value(permission, True)
            factory.add_role_from_structure(role)
        mounts.add_factory(f"/{name}", factory)
    if arguments.user:
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "watcher")
        auth = GstRtspServer.RTSPAuth()
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(arguments.user, arguments.password), token)
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        server.set_auth(auth)
    server.attach(None)
    print("ready", server.get_bound_port(), flush=True)  # noqa: T201 - the test reads it
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
