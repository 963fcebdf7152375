"""The watchers of all parts of a plan, by what the parts are."""

from collections.abc import Iterator

from ferstream.streams.local.parts.board import Board
from ferstream.streams.local.parts.part import Part, PlannedParts
from ferstream.streams.local.parts.watcher import Watcher


class Watchers:
    """One for each part; groups, and `all`, are in the order of a frame's way, in which they end."""

    def __init__(self, parts: PlannedParts, board: Board) -> None:
        def watch(group: list[Part]) -> list[Watcher]:
            return [Watcher(part, board) for part in group]

        self.producer = Watcher(parts.producer, board)
        self.workers, self.trackers, self.sinks = watch(parts.workers), watch(parts.trackers), watch(parts.sinks)
        self.faces, self.pages = watch(parts.faces), watch(parts.pages)
        self.all = [self.producer, *self.workers, *self.trackers, *self.sinks, *self.faces, *self.pages]

    def start(self) -> None:
        """Start what needs no frames: the page first, since it is what people wait for."""
        for watcher in (*self.pages, *self.workers, *self.trackers, *self.sinks):
            watcher.start()

    def can_work(self) -> bool:
        """Whether cameras may begin: a worker is ready, or none will be."""
        return any(worker.was_ready for worker in self.workers) or all(worker.given_up for worker in self.workers)

    def working(self) -> bool:
        """Whether a worker runs."""
        return any(worker.running for worker in self.workers)

    def finished(self) -> bool:
        """Whether a part ended without which the others have no more to do."""
        return any(watcher.part.ends_all and watcher.ended for watcher in self.all)

    def stop(self) -> None:
        """End all in order, within a bounded time."""
        stop_all(self.all)

    def kill(self) -> None:
        """End all now."""
        for watcher in self.all:
            watcher.kill()

    def gave_up(self) -> Iterator[str]:
        return (watcher.part.name for watcher in self.all if watcher.given_up)


def stop_all(watchers: list[Watcher]) -> None:
    """End them in order, one after the other."""
    for watcher in watchers:
        watcher.stop()
