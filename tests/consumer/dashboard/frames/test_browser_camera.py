"""The browser's camera: a real server, a real worker, and pages that send frames."""

import re
import resource
import time
from contextlib import contextmanager, nullcontext

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ferstream.consumer.dashboard.frames.browser import outbox
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import StatusBoard, read_statuses
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.emotions import EMOTIONS
from tests.consumer.dashboard.frames.conftest import KEYS
from tests.support.fleet import portrait_jpeg, wait_until
from tests.support.frames_server import FramesServer, Page
from tests.support.paths import ROOT

STAGES = {"queue", "decode", "detect", "classify", "publish", "server"}


def test_a_frame_is_answered_under_the_sequence_of_its_page(fleet):
    with fleet.server.page("Anna's laptop") as page:
        assert page.camera == "browser-annas-laptop"
        for sequence in (7, 3_000_000_000):
            said = page.ask(sequence, portrait_jpeg())
            assert (said["width"], said["height"]) == (512, 512)
        (face,) = said["faces"]
        left, top, right, bottom = face["box"]
        assert left < 225 < right
        assert top < 110 < bottom
        assert (face["emotion"], face["track"], len(face["probabilities"])) == ("happiness", 1, len(EMOTIONS))
        assert face["since"] < said["captured_at"]
        assert said["seconds"].keys() - {"upload"} == STAGES
        assert min(said["seconds"].values()) >= 0


def test_its_camera_is_there_as_any_other(fleet):
    with fleet.server.page("desk") as page:
        page.ask(1, portrait_jpeg())
        live = wait_until(lambda: [one for one in statuses(fleet) if one.state == "live"])
        assert [(one.camera_id, one.url, one.width) for one in live] == [("browser-desk", "browser:", 512)]


def test_two_people_at_once_get_their_own_answers(fleet):
    with fleet.server.page() as one, fleet.server.page() as two:
        assert one.camera != two.camera
        for sequence in range(3):
            two.send(1000 + sequence, portrait_jpeg())
            one.ask(sequence, portrait_jpeg())
            two.ask(2000 + sequence, portrait_jpeg())


def test_a_name_that_somebody_has_is_refused(fleet):
    taken = pytest.raises(AssertionError, match="browser-desk is in use on this page: take another")
    with fleet.server.page("desk"), Page(fleet.server) as other, taken:
        other.start("desk", 10)


def test_a_name_that_another_process_has_is_refused(fleet):
    board = StatusBoard(fleet.redis.client, KEYS.cameras)
    board.renew({"browser-hall": CameraStatus(camera_id="browser-hall", state="live", url="")})
    with Page(fleet.server) as page, pytest.raises(AssertionError, match="browser-hall is held by"):
        page.start("hall", 10)
    board.remove(["browser-hall"])


def test_what_is_no_picture_is_told_and_the_camera_goes_on(fleet):
    with fleet.server.page() as page:
        page.send(1, b"garbage")
        assert page.hear() == {"type": "dropped", "sequence": 1, "why": "the picture is no JPEG that can be read"}
        page.socket.send(b"\0\0")
        assert page.hear()["sequence"] is None
        page.ask(2, portrait_jpeg())


@pytest.mark.parametrize(
    ("first", "why"),
    [
        ('{"type":"x"}', 'must be {"type":"start"'),
        ('{"type":"start","fps":1e9}', "<= 30"),
        ("[" * 100_000, "must be"),
        (b"\0", "must be"),
    ],
)
def test_a_page_that_does_not_start_is_refused(fleet, first, why):
    with Page(fleet.server) as page:
        page.socket.send(first)
        said = page.hear()
        assert said["type"] == "refused"
        assert why in said["why"]


def test_too_many_cameras_are_refused(fleet, monkeypatch):
    monkeypatch.setattr("ferstream.consumer.dashboard.frames.browser.start.MOST_CAMERAS", 1)
    with fleet.server.page(), Page(fleet.server) as other, pytest.raises(AssertionError, match="try again later"):
        other.start("", 10)


def test_frames_of_a_page_that_goes_are_taken_back(redis_url, client):
    """No worker is here: each frame waits, until the page goes or it is too old."""
    with FramesServer(redis_url) as server:
        with server.page() as page:
            page.send(1, portrait_jpeg())
            assert page.hear_of(1) == {"type": "dropped", "sequence": 1, "why": "no worker answered it within 1 s"}
            page.send(2, portrait_jpeg())
            wait_until(lambda: client.xlen(KEYS.frames(0)))
        wait_until(lambda: not client.hlen(KEYS.cameras))
        assert client.hlen(KEYS.last(0)) == client.xlen(KEYS.frames(0)) == 0
        told = {name.decode(): int(count) for name, count in client.hgetall(KEYS.account(0)).items()}
        assert told.pop("captured") == 2
        assert set(told) <= {"dropped.stopped", "dropped.trimmed", "expired"}
        assert sum(told.values()) == 2


def test_a_flood_stays_capped_and_memory_flat(fleet):
    with fleet.server.page(fps=15) as page:
        page.ask(0, portrait_jpeg())
        before = fleet.account()
        flood(page, 500)
        reached = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.monotonic()
        flood(page, 1500)
        seconds = time.monotonic() - started
        grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - reached) / 1024
    fleet.wait_until_clean()
    after = fleet.account()
    assert after.captured - before.captured == 2000
    dropped = {reason: count - before.dropped.get(reason, 0) for reason, count in after.dropped.items()}
    assert 2000 - sum(dropped.values()) <= 4 + 15 * (seconds + 10)
    assert dropped["rate"] > 1000
    assert grown_mb < 50


def flood(page, frames):
    """As fast as the server takes them; each is told of, in any order."""
    waiting = set(range(1, frames + 1))
    for sequence in range(1, frames + 1):
        page.send(sequence, portrait_jpeg())
        if sequence % 50 == 0:
            while len(waiting) > frames - sequence + 20:
                waiting.discard(page.hear()["sequence"])
    while waiting:
        waiting.discard(page.hear()["sequence"])


def test_redis_may_be_started_anew_meanwhile(fleet):
    with fleet.server.page("desk") as page:
        page.ask(1, portrait_jpeg())
        fleet.redis.kill()
        page.send(2, portrait_jpeg())
        assert page.hear_of(2)["type"] == "dropped"
        fleet.redis.start()
        page.ask(3, portrait_jpeg())
        assert wait_until(lambda: statuses(fleet))[0].camera_id == "browser-desk"


@contextmanager
def user_of(fleet, *roles):
    """The URL of a user who has the rights of these roles."""
    lines = (ROOT / "deploy/redis/users.acl.template").read_text().splitlines()
    rights = {line.split()[1]: line.partition(" -@all ")[2] for line in lines if line.startswith("user ")}
    keys = {line.split()[1]: line.partition(" resetkeys ")[2].partition(" -@all ")[0] for line in lines if " resetkeys " in line}
    words = [word for role in roles for word in re.findall(r"\([^)]*\)|\S+", f"{keys[role]} {rights[role]}")]
    fleet.redis.client.execute_command("ACL", "SETUSER", "page", "reset", "on", ">x", "-@all", *words)
    yield f"redis://page:x@127.0.0.1:{fleet.redis.port}/0"
    fleet.redis.client.acl_deluser("page")


@pytest.mark.parametrize("first", [True, False], ids=["in an empty Redis", "in one that is in use"])
def test_a_user_without_the_rights_of_a_producer_is_told_so(fleet, first):
    if first:
        fleet.redis.client.delete(KEYS.shard_count)
    refused = pytest.raises(AssertionError, match=r"cannot write frames: .* needs the rights of a producer too")
    with user_of(fleet, "dashboard") as url, FramesServer(url) as server:
        with Page(server) as page, refused:
            page.start("", 10)
        status, said, _ = server.analyze(portrait_jpeg())
    assert (status, "needs the rights of a producer too" in said["error"]) == (503, True)


def test_the_roles_of_a_dashboard_and_of_a_producer_are_enough(fleet):
    with user_of(fleet, "dashboard", "producer") as url, FramesServer(url) as server:
        with server.page() as page:
            page.ask(1, portrait_jpeg())
        assert server.analyze(portrait_jpeg())[0] == 200


def test_a_server_that_stops_says_goodbye_and_leaves_nothing(fleet):
    with FramesServer(fleet.url) as server:
        page = server.page()
        page.send(1, portrait_jpeg())
        page.hear_of(1)
    with pytest.raises(ConnectionClosed):
        page.hear()
    page.close()


def test_there_is_none_where_it_is_turned_off(fleet):
    with FramesServer(fleet.url, browser_camera=False) as server, pytest.raises(Exception, match=r"40[34]"):
        Page(server)


def statuses(fleet) -> list[CameraStatus]:
    with connect(fleet.url) as client:
        return read_statuses(client, KEYS.cameras, CameraStatus)


def test_a_page_that_does_not_read_is_ended(fleet, monkeypatch):
    monkeypatch.setattr(outbox, "PATIENCE_S", 0.3)

    def send_for_ever():
        while True:
            page.socket.send(b"")

    with fleet.server.page() as page, pytest.raises(ConnectionClosed):
        send_for_ever()


@pytest.mark.parametrize(("role", "status"), [("watcher", 403), ("viewer", 200)])
def test_it_takes_the_role_of_a_viewer(fleet, tmp_path, role, status):
    token = tmp_path / "token"
    token.write_text("ATokenThatNobodyGuesses2026\n")
    token.chmod(0o600)
    given = {"Authorization": f"Bearer {token.read_text().strip()}"}
    with FramesServer(fleet.url, token_file=token, token_role=role) as server:
        assert server.analyze(portrait_jpeg(), **given)[0] == status
        with nullcontext() if status == 200 else pytest.raises(InvalidStatus, match="403"):
            Page(server, **given).close()
