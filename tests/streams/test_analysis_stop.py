"""Ctrl-C of an analysis is Ctrl-C, whichever of its threads hears of it first."""

import threading
from concurrent.futures import Future

import pytest

from ferstream.streams.local.analyze import _watch
from ferstream.streams.local.clip_run import Machinery, Stopped
from ferstream.streams.local.clips import Clip
from ferstream.streams.local.outcome import Outcome


def test_a_clip_that_stops_before_the_main_thread_looks(client, redis_url, tmp_path):
    stop = threading.Event()

    def look():
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()  # the signal comes while the main thread sleeps

    future = Future()
    future.set_exception(Stopped("stopped"))
    machinery = Machinery(url=redis_url, client=client, look=look, stop=stop, shared=(), quiet=True)
    with pytest.raises(KeyboardInterrupt):
        _watch({future: Clip("a", "video", "a.mp4")}, machinery, Outcome(as_json=True, folder=tmp_path))
