import urllib.error
import urllib.request
from contextlib import closing

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Counter

from ferstream.streams.errors import FerstreamError
from ferstream.streams.service.health_server import StatusServer


def get(server, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture
def problems():
    return {"healthy": None, "ready": None}


@pytest.fixture
def server(problems):
    registry = CollectorRegistry()
    Counter("fer_things_total", "Things.", registry=registry).inc(3)
    with closing(
        StatusServer("127.0.0.1", 0, healthy=lambda: problems["healthy"], ready=lambda: problems["ready"], registry=registry)
    ) as server:
        yield server


def test_metrics(server):
    status, text = get(server, "/metrics")
    assert status == 200
    assert "fer_things_total 3.0" in text


@pytest.mark.parametrize(("path", "check"), [("/healthz", "healthy"), ("/readyz", "ready")])
def test_checks_say_what_is_wrong(server, problems, path, check):
    assert get(server, path) == (200, "ok\n")
    problems[check] = "the loop sleeps"
    assert get(server, path) == (503, "the loop sleeps\n")


def test_readiness_is_a_metric_too_until_the_server_closes(server, problems):
    def ready():
        return REGISTRY.get_sample_value("fer_ready")

    assert ready() == 1
    problems["ready"] = "the loop sleeps"
    assert ready() == 0
    problems["ready"] = None
    assert ready() == 1
    server.close()
    assert ready() == 0


def test_other_paths(server):
    status, text = get(server, "/")
    assert status == 404
    assert "/metrics" in text


def test_a_port_in_use_is_one_clear_line(server):
    with pytest.raises(FerstreamError, match=f"{server.port}.*--metrics-port"):
        StatusServer("127.0.0.1", server.port, healthy=lambda: None, ready=lambda: None)
