"""What the server answers other programs: JSON, tables, streams of events, and what is wrong."""

import csv
import http.client
import io
import json
import time
import urllib.error
import urllib.request
from urllib.parse import quote

import pytest
from prometheus_client import CollectorRegistry

from ferstream.consumer.dashboard.live.hub import Hub
from ferstream.consumer.dashboard.live.metrics import DashboardMetrics
from ferstream.consumer.dashboard.server import build_app
from ferstream.consumer.dashboard.settings import DashboardSettings
from ferstream.streams.frames.camera_status import CameraStatus
from ferstream.streams.frames.status_board import StatusBoard
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.codec import encode_event
from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.streams.wire.keys import Keys
from tests.support.dashboard import Dashboard
from tests.support.patience import PROCESS_S
from tests.support.played_worker import PlayedWorker
from tests.support.records import event, face

#: Of 128 characters, as odd as any; and one that a spreadsheet would compute.
ODD, FORMULA = "=HYPERLINK(" + "/ä?#%&+<b>'\" 家" * 9, "@door"


@pytest.fixture(scope="module")
def at():
    """When the newest event of the past was, five minutes ago."""
    return time.time() - 300


@pytest.fixture(scope="module")
def redis():
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture(scope="module")
def writer(redis):
    with connect(redis.url) as client:
        yield client


@pytest.fixture(scope="module")
def dashboard(redis, writer, at):
    """One that has seen a frame of two cameras, and events of three."""
    for number, kind in enumerate(("appeared", "changed", "left")):
        publish(writer, event(number, kind, ODD, at=at - 30 + 10 * number, since=at - 30))
    publish(writer, event(3, "alert", FORMULA, at=at, emotion="anger", rule="=1+1"))
    yard = CameraStatus(camera_id="yard", state="down", url="rtsp://x", problem="no")
    StatusBoard(writer, Keys().cameras).renew({"yard": yard})
    with Dashboard(redis.url) as page:
        page.wait_for("/api/history", lambda answer: len(answer.json["events"]) == 4)
        PlayedWorker(writer).answer([(ODD, 1, [face()]), ("door", 1, [])])
        page.wait_for("/api/cameras/door", lambda answer: answer.status == 200 and answer.json["faces"])
        yield page


def publish(client, one):
    client.xadd(Keys().events(0), encode_event(one))


def test_the_status_is_that_of_fer_status_with_figures(dashboard):
    said = dashboard.wait_for("/api/status", lambda answer: "door" in answer.json["figures"]).json
    assert {"cameras", "workers", "account", "problems", "well"} <= set(said)
    assert [camera["camera_id"] for camera in said["cameras"]] == ["yard"]
    figures = said["figures"][ODD]
    assert (figures["faces"], figures["results_per_second"]) in [(1, 0.2), (0, 0.0)]
    assert 0 <= figures["age_p50_s"] <= figures["age_p95_s"] <= figures["age_p99_s"] < PROCESS_S


def test_cameras_are_those_with_a_status_and_those_that_were_heard_of(dashboard):
    said = {camera["camera_id"]: camera for camera in dashboard.get("/api/cameras").json}
    assert set(said) == {ODD, FORMULA, "door", "yard"}
    assert (said["yard"]["status"]["problem"], said["yard"]["faces"], said["yard"]["figures"]) == ("no", None, None)
    assert (said["door"]["faces"]["faces"], said["door"]["faces"]["sequence"]) == ([], 1)
    (one,) = said[ODD]["faces"]["faces"]
    assert (one["track"], len(one["probabilities"]), one["since"]) == (1, len(EMOTIONS), said[ODD]["faces"]["captured_at"])


def test_a_camera_s_name_may_hold_anything(dashboard):
    said = dashboard.get(f"/api/cameras/{quote(ODD, safe='')}").json
    assert (said["camera_id"], said["people"], len(said["tracks"])) == (ODD, [], 1)
    timeline = dashboard.get(f"/api/cameras/{quote(ODD, safe='')}/timeline?minutes=30&step=60").json
    assert (timeline["step"], {len(row) for row in timeline["emotions"].values()}) == (60, {30})
    assert sum(timeline["emotions"]["happiness"]) * 60 == pytest.approx(20, abs=0.1)
    assert dashboard.get(f"/camera/{quote(ODD, safe='')}").headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("question", "sequences", "more"),
    [
        ("", [3, 2, 1, 0], False),
        ("?limit=2", [3, 2], True),
        (f"?camera={quote(FORMULA)}", [3], False),
        ("?kind=left", [2], False),
        ("?emotion=anger&kind=alert", [3], False),
        ("?from={from_}&to={to}", [2, 1], False),
        ("?camera=nobody", [], False),
    ],
)
def test_history(dashboard, at, question, sequences, more):
    said = dashboard.get(f"/api/history{question.format(from_=at - 25, to=at - 5)}").json
    assert ([one["sequence"] for one in said["events"]], said["more"]) == (sequences, more)


def test_history_as_a_table_holds_nothing_that_a_spreadsheet_computes(dashboard, at):
    answer = dashboard.get("/api/history.csv")
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert [row["camera_id"] for row in rows] == [f"'{FORMULA}"] + [f"'{ODD}"] * 3
    assert (rows[0]["rule"], rows[0]["p_happiness"], rows[0]["at"][:4]) == ("'=1+1", "0.9", time.strftime("%Y", time.gmtime(at)))
    assert not [cell for row in rows for cell in row.values() if cell[:1] in ("=", "@", "+", "-")]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/history?limit=x", 400, "limit: Expected `int`"),
        ("/api/history?limit=0", 400, "limit: Expected `int` >= 1"),
        ("/api/history?emotion=joy", 400, "emotion: Invalid enum value 'joy'"),
        ("/api/history?from=nan", 400, "from: it must be a number of seconds"),
        ("/api/history?form=1", 400, "there is no argument 'form': there are camera, emotion"),
        ("/api/cameras/nobody", 404, "there is no camera 'nobody'"),
        ("/api/cameras/yard/timeline", 200, ""),
        ("/api/cameras/door/timeline?minutes=60&step=1", 200, ""),
        ("/api/cameras/door/timeline?minutes=61", 400, "minutes: Expected `float` <= 60"),
        ("/api/nothing", 404, "GET /api/openapi.json lists"),
        ("/static/../server.py", 404, "nothing at this address"),
        ("/static/%2e%2e/server.py", 404, "nothing at this address"),
    ],
)
def test_what_is_wrong_is_said(dashboard, path, status, words):
    answer = dashboard.get(path)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    assert words in answer.json.get("error", "")


def test_a_browser_at_no_page_gets_ours_that_says_so(dashboard):
    request = urllib.request.Request(f"{dashboard.url}/nothing", headers={"Accept": "text/html,*/*;q=0.8"})
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(request, timeout=PROCESS_S)
    with told.value as answer:
        assert (answer.status, "/static/js/core/app.js" in answer.read().decode()) == (404, True)
    assert dashboard.get("/nothing").json["error"].startswith("there is nothing at this address")


def test_events_come_as_they_happen(dashboard, writer):
    host = dashboard.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=PROCESS_S)
    connection.request("GET", "/api/events?camera=hall")
    reply = connection.getresponse()
    assert reply.headers["content-type"].startswith("text/event-stream")
    time.sleep(0.3)
    for number, camera in ((20, "elsewhere"), (21, "hall")):
        publish(writer, event(number, camera_id=camera, at=time.time()))
    lines = [reply.readline().decode().strip() for _ in range(3)]
    said = dict(line.split(": ", 1) for line in lines)
    assert (said["event"], json.loads(said["data"])["sequence"]) == ("event", 21)
    connection.close()


def test_a_picture_is_asked_for_and_comes(dashboard, writer):
    worker = PlayedWorker(writer)
    connection = http.client.HTTPConnection(dashboard.url.removeprefix("http://"), timeout=PROCESS_S)
    connection.request("GET", "/api/cameras/door/picture.jpg")
    number = 100
    while "door" not in worker.watched():
        time.sleep(0.02)
    while not (number > 100 and _has_answered(connection)):
        worker.answer([("door", number := number + 1, [])], b"\xff\xd8 picture")
        time.sleep(0.1)
    reply = connection.getresponse()
    assert (reply.status, reply.read(), reply.headers["content-type"]) == (200, b"\xff\xd8 picture", "image/jpeg")
    assert 100 < int(reply.headers["x-sequence"]) <= number
    connection.close()


def _has_answered(connection):
    connection.sock.settimeout(0.01)
    try:
        return bool(connection.sock.recv(1, http.client.socket.MSG_PEEK))
    except TimeoutError:
        return False
    finally:
        connection.sock.settimeout(PROCESS_S)


def test_where_no_worker_makes_pictures_it_says_so(dashboard):
    answer = dashboard.get("/api/cameras/yard/picture.jpg")
    assert (answer.status, "--previews" in answer.json["error"]) == (404, True)


def test_the_list_of_addresses_has_them_all(dashboard):
    said = dashboard.get("/api/openapi.json").json
    assert said["openapi"] == "3.1.0"
    settings = DashboardSettings(redis_url="redis://127.0.0.1:1")
    app = build_app(settings, Hub(settings, DashboardMetrics(CollectorRegistry())))
    paths = {getattr(route, "path", "").replace(":path", "") for route in app.routes}
    assert {path for path in paths if path.startswith("/api/") or path in ("/healthz", "/readyz")} == set(said["paths"])


def test_every_type_that_the_list_names_is_in_it(dashboard):
    text = dashboard.get("/api/openapi.json").body.decode()
    named = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert {"CameraAnswer", "CameraDetail", "Emotions", "Deployment", "Wrong", "HistoryAnswer"} <= named
    assert named <= set(json.loads(text)["components"]["schemas"])
    assert all(operation["summary"] for path in json.loads(text)["paths"].values() for operation in path.values())
