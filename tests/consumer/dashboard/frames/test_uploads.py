"""`POST /api/analyze`: pictures and clips, answered by a real worker, and what is refused with which words."""

import socket
import threading
from fractions import Fraction

import cv2
import numpy as np
import pytest

from ferstream.consumer.dashboard.frames import sources
from ferstream.consumer.dashboard.frames.uploads import analyze
from ferstream.streams.wire.emotions import EMOTIONS
from tests.consumer.dashboard.frames.conftest import KEYS
from tests.support.fleet import portrait_jpeg, wait_until
from tests.support.frames_server import FramesServer
from tests.support.patience import PROCESS_S
from tests.support.portrait_clips import make_clip, portraits


def two_faces(size=(1280, 720)):
    """BGR: one in the left half and one in the right."""
    return portraits(1, size)[0]


def encoded(kind, pixels, *settings):
    done, data = cv2.imencode(kind, pixels, settings)
    assert done
    return data.tobytes()


def head(server, length):
    """What stands before the body of an upload."""
    headers = {"Host": f"127.0.0.1:{server.port}", "Content-Length": length} | server.headers()
    lines = ["POST /api/analyze HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def exif(jpeg, orientation):
    """The same JPEG with an orientation in its EXIF."""
    entry = (
        (0x0112).to_bytes(2, "big") + (3).to_bytes(2, "big") + (1).to_bytes(4, "big") + orientation.to_bytes(2, "big") + b"\0\0"
    )
    block = b"Exif\0\0" + b"MM\0*" + (8).to_bytes(4, "big") + (1).to_bytes(2, "big") + entry + bytes(4)
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]


def assert_two_faces(frame, width, height):
    assert (frame["width"], frame["height"]) == (width, height)
    left, right = sorted(face["box"] for face in frame["faces"])
    assert 0 <= left[0] < left[2] < width / 2 < right[0] < right[2] <= width
    for _, top, _, bottom in (left, right):
        assert 0 <= top < bottom <= height


def test_a_picture_with_two_faces(fleet):
    status, said, _ = fleet.server.analyze(encoded(".jpg", two_faces()))
    assert status == 200, said
    (frame,) = said["frames"]
    assert_two_faces(frame, 1280, 720)
    assert (frame["sequence"], frame["media_time"]) == (1, None)
    face = frame["faces"][0]
    assert len(face["probabilities"]) == len(EMOTIONS)
    assert sum(face["probabilities"]) == pytest.approx(1, abs=0.01)
    assert face["track"] is None
    assert 0 < said["seconds"] < PROCESS_S


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("png with alpha", lambda: encoded(".png", cv2.cvtColor(two_faces(), cv2.COLOR_BGR2BGRA))),
        ("png of 16 bits", lambda: encoded(".png", two_faces().astype(np.uint16) * 257)),
        ("webp", lambda: encoded(".webp", two_faces(), cv2.IMWRITE_WEBP_QUALITY, 90)),
        ("lossless webp", lambda: encoded(".webp", two_faces(), cv2.IMWRITE_WEBP_QUALITY, 101)),
        ("progressive jpeg", lambda: encoded(".jpg", two_faces(), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        ("grey jpeg", lambda: encoded(".jpg", cv2.cvtColor(two_faces(), cv2.COLOR_BGR2GRAY))),
    ],
)
def test_pictures_of_all_kinds(fleet, name, make):
    status, said, _ = fleet.server.analyze(make())
    assert status == 200, (name, said)
    assert_two_faces(said["frames"][0], 1280, 720)


def test_boxes_are_in_pixels_of_a_large_picture(fleet):
    large = cv2.resize(two_faces(), (3840, 2160))
    status, said, _ = fleet.server.analyze(encoded(".jpg", large))
    assert status == 200, said
    assert_two_faces(said["frames"][0], 3840, 2160)


def test_a_photo_of_a_phone_is_turned_as_its_exif_says(fleet):
    lying = np.rot90(two_faces())  # 720 wide; its top is the right edge: orientation 6 turns it back
    status, said, _ = fleet.server.analyze(exif(encoded(".jpg", np.ascontiguousarray(lying)), 6))
    assert status == 200, said
    assert_two_faces(said["frames"][0], 1280, 720)


def test_a_clip_gives_ten_frames_a_second_with_their_times(fleet, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", frames=16, rate=Fraction(25), sound="aac")
    status, said, _ = fleet.server.analyze(clip.read_bytes(), **{"X-File-Name": "clip.mp4"})
    assert status == 200, said
    times = [frame["media_time"] for frame in said["frames"]]
    assert times == pytest.approx([0.0, 0.12, 0.2, 0.32, 0.4, 0.52, 0.6], abs=0.05)
    assert "missing" not in said
    assert_two_faces(said["frames"][-1], 640, 360)
    assert sorted(face["track"] for face in said["frames"][-1]["faces"]) == [1, 2]


@pytest.mark.parametrize("kind", ["webm", "mkv", "avi", "mov"])
def test_clips_of_all_kinds(fleet, tmp_path, kind):
    codec = {"webm": "libvpx", "avi": "mpeg4"}.get(kind, "libx264")
    clip = make_clip(tmp_path / f"clip.{kind}", frames=2, codec=codec)
    status, said, _ = fleet.server.analyze(clip.read_bytes())
    assert status == 200, said
    assert_two_faces(said["frames"][0], 640, 360)


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (b"", 415, "the body is empty"),
        (b"hello, this is text", 415, "no picture and no clip: send a JPEG, PNG or WebP picture"),
        (b"#EXTM3U\n#EXTINF:1\nfile:///etc/passwd\n", 415, "no picture and no clip"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", 415, "no picture and no clip"),
        (b"\xff\xd8\xff\xe0" + bytes(500), 415, "the JPEG file is damaged"),
        (encoded(".jpg", two_faces())[:20_000], 415, "the JPEG file is damaged"),
        (encoded(".png", two_faces((64, 36)))[:200], 415, "the PNG file is damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (100_000).to_bytes(4, "big") * 2 + bytes(9), 413, "100000x100000 pixels"),
        (b"RIFF\xff\xff\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xff\xff\xff" * 2 + bytes(9), 413, "16777216x16777216"),
        (b"RIFF\x20\0\0\0WEBPVP8 " + bytes(4), 415, "the WebP file is damaged"),
        (b"\0\0\0\x18ftypisom" + bytes(1000), 415, "the clip is damaged"),
        (b"\x1a\x45\xdf\xa3" + bytes(1000), 415, "the clip is damaged"),
    ],
)
def test_what_is_no_picture_is_refused_with_words(fleet, body, status, why):
    told, said, _ = fleet.server.analyze(body)
    assert (told, why in said["error"]) == (status, True), said


def test_a_jpeg_for_print_is_refused(fleet, tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    pillow.new("CMYK", (64, 64)).save(tmp_path / "print.jpg")
    status, said, _ = fleet.server.analyze((tmp_path / "print.jpg").read_bytes())
    assert (status, "for print: save it as RGB" in said["error"]) == (415, True)


def test_a_truncated_clip_is_refused_or_answered_as_far_as_it_goes(fleet, tmp_path):
    whole = make_clip(tmp_path / "clip.mp4", frames=12).read_bytes()
    assert fleet.server.analyze(whole[: len(whole) // 2])[0] == 415  # its index is at the end
    whole = make_clip(tmp_path / "clip.mkv", frames=12, codec="mjpeg", pix_fmt="yuvj420p", rate=Fraction(10)).read_bytes()
    status, said, _ = fleet.server.analyze(whole[: len(whole) * 2 // 3])
    assert status == 200, said
    assert 6 <= len(said["frames"]) < 12


def test_a_clip_that_is_too_long_is_refused(fleet, tmp_path):
    clip = make_clip(tmp_path / "long.mp4", frames=2, ticks=[0, 61_000], size=(64, 36))
    status, said, _ = fleet.server.analyze(clip.read_bytes())
    assert (status, "at most 60 s" in said["error"]) == (413, True), said


def test_too_many_bytes_are_refused_before_they_are_read(fleet):
    with socket.create_connection(("127.0.0.1", fleet.server.port)) as connection:
        connection.sendall(head(fleet.server, 50_000_001))
        assert b" 413 " in connection.recv(1000)


def test_and_so_are_those_that_were_not_announced(fleet, monkeypatch):
    monkeypatch.setattr(analyze, "MAX_BYTES", 1000)
    assert fleet.server.analyze(iter([bytes(600)] * 2))[0] == 413


def test_without_a_worker_it_says_so(redis_url, client):
    with FramesServer(redis_url) as server:
        status, said, headers = server.analyze(encoded(".jpg", two_faces()))
        assert (status, headers["Retry-After"]) == (503, "10")
        assert "start fer-worker run" in said["error"]
        assert client.xlen(KEYS.frames(0)) == client.hlen(KEYS.cameras) == client.hlen(KEYS.last(0)) == 0
        told = {name.decode(): int(count) for name, count in client.hgetall(KEYS.account(0)).items()}
        assert told == {"captured": 1, "dropped.stopped": 1}


def test_without_redis_it_says_so(tmp_path):
    with FramesServer(f"unix://{tmp_path}/none.sock") as server:
        status, said, _ = server.analyze(encoded(".jpg", two_faces()))
    assert (status, "frames cannot be written" in said["error"]) == (503, True), said


def test_a_client_that_goes_away_takes_its_frames_back(redis_url, client):
    body = encoded(".jpg", two_faces())
    with FramesServer(redis_url) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(head(server, len(body)) + body)
            wait_until(lambda: client.xlen(KEYS.frames(0)))
        wait_until(lambda: not client.xlen(KEYS.frames(0)) and not client.hlen(KEYS.cameras))


def test_an_upload_is_on_no_wall(fleet):
    with fleet.server.page("desk") as page:
        assert fleet.server.analyze(encoded(".jpg", two_faces()))[0] == 200
        page.ask(1, portrait_jpeg())
        for path in ("/api/cameras", "/api/status"):
            said = wait_until(lambda path=path: "browser-desk" in (text := str(fleet.server.get(path))) and text)
            assert "upload-" not in said


def test_a_third_upload_waits_for_its_turn(fleet, monkeypatch):
    body, statuses = encoded(".jpg", two_faces((640, 360))), []
    threads = [threading.Thread(target=lambda: statuses.append(fleet.server.analyze(body)[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
    monkeypatch.setattr(sources, "MOST_UPLOADS", 0)
    monkeypatch.setattr(analyze, "TURN_S", 0.05)
    with FramesServer(fleet.url) as server:
        status, said, headers = server.analyze(body)
    assert (status, headers["Retry-After"], "try again in a moment" in said["error"]) == (429, "10", True)
