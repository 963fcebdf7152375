"""A report of what PostgreSQL keeps: the same figures as from SQLite."""

from contextlib import closing

import pytest

from ferstream.consumer.report.kept.gather import gather
from ferstream.consumer.report.kept.open_kept import open_kept
from ferstream.consumer.report.numbers.period import period_of
from ferstream.consumer.sinks.sink import SinkError
from tests.plays.hour_of_cameras import START, Camera, write_hour
from tests.support.postgresql import PostgresqlServer


@pytest.fixture(scope="module")
def postgresql():
    with PostgresqlServer() as server:
        yield server


def test_postgresql_gives_the_same_figures_as_sqlite(postgresql, tmp_path):
    cameras = (Camera("door", 20, 6, silent=((0.3, 0.6),)), Camera("é😀", 8, 15))
    with closing(open_kept(postgresql.url)) as kept, pytest.raises(SinkError, match="cannot be read"):  # it has no tables yet
        gather(kept, period_of(START, START + 60))
    urls = (postgresql.url, f"sqlite:{tmp_path / 'results.db'}")
    said = []
    for url in urls:
        write_hour(url, cameras, seconds=60.0, fps=5.0)
        with closing(open_kept(url)) as kept:
            said.append([figures.message() for figures in gather(kept, period_of(START, START + 60)).cameras])
            (door,) = gather(kept, period_of(START, START + 60), ("door",)).cameras
            assert door.message() == said[-1][0]
    assert said[0] == said[1]
    assert said[0][0]["tracks"]["count"] > 5
