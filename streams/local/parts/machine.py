"""Everything on one machine: starts the parts of a plan, keeps them running, and ends them in the order of a frame's way.

Why no process manager from PyPI does it: honcho ends everything where one process ends, circus and supervisor are daemons with
sockets and configuration of their own, and none takes its children along when it is itself killed -9, as our lifeline does.
"""

import os
import signal
import sys
import time
import webbrowser

from ferstream.streams.errors import FerstreamError, StoreError
from ferstream.streams.frames.account import read_account
from ferstream.streams.local.parts.board import Board
from ferstream.streams.local.parts.camera_check import check_cameras
from ferstream.streams.local.parts.drain import all_are_answered, all_have_read, wait_until
from ferstream.streams.local.parts.needs import check_needs
from ferstream.streams.local.parts.plan import Page, Plan, plan_parts
from ferstream.streams.local.parts.ran import Ran, read_latencies
from ferstream.streams.local.parts.store import Store, StoreLost
from ferstream.streams.local.parts.watchers import Watchers, stop_all
from ferstream.streams.service.command import WrongUsage, log_arguments
from ferstream.streams.service.shutdown import Shutdown

TICK_S = 0.1
#: Seconds without a result after which a line says so.
SILENT_S = 20.0
#: Seconds between two lines of where the page is, where lines of faces push it out of a terminal.
PAGE_LINE_S = 10.0


class Machine:
    """Runs one plan, in the main thread."""

    def __init__(self, plan: Plan, board: Board) -> None:
        self._plan, self._board = plan, board
        self._shutdown = Shutdown()
        self._hung_up = False
        self._on_terminal = sys.stderr.isatty()
        signal.signal(signal.SIGHUP, self._on_hangup)
        self._published = 0  # before ours came
        self._producing_at: float | None = None
        self._result_at: float | None = None
        self._told_silent = False
        self._told_page_at: float | None = None

    def run(self) -> Ran | None:
        """Until a signal, or the plan's end; None where the signal came before anything was started.

        Raises Failure where a library is missing, WrongUsage, StoreLost, StoreError, and FerstreamError where no result came.
        """
        check_needs(self._plan)
        with Store(self._plan.redis_url, self._plan.prefix, self._board) as store:
            file, options = self._plan.cameras.write(store.folder)
            names = check_cameras(options, self._shutdown.requested)
            store.wait(self._shutdown.requested)
            if self._shutdown.requested.is_set():
                return None
            watchers = Watchers(plan_parts(self._plan, store.url, file, options, log_arguments()), self._board)
            self._published = read_account(store.client, store.keys).published
            try:
                watchers.start()
                self._keep_running(store, watchers, names)
            except StoreLost:
                watchers.kill()  # in order would be to wait for Redis
                raise
            except BaseException:
                watchers.stop()
                raise
            seconds = time.monotonic() - self._producing_at if self._producing_at else 0.0
            self._drain(store, watchers)
            return Ran(
                # That of another Redis is of more than our frames, and it may be away.
                account=read_account(store.client, store.keys) if store.is_ours else None,
                faces=sum(worker.sums["faces_classified"] for worker in watchers.workers),
                latencies_s=read_latencies(store.client, store.keys) if store.is_ours else [],
                seconds=seconds,
                any_result=self._result_at is not None,
                gave_up=tuple(watchers.gave_up()),
            )

    def _keep_running(self, store: Store, watchers: Watchers, names: list[str]) -> None:
        while not (self._shutdown.requested.wait(TICK_S) or self._is_over() or watchers.finished()):
            store.look()
            self._pass_hangup_on(watchers)
            for watcher in watchers.all:
                watcher.look(store.answers)
                if watcher.refused:
                    raise WrongUsage(f"{watcher.part.name}: {watcher.refused}")
            self._tell_page(watchers)
            if self._producing_at is None:
                self._start_cameras(watchers, names)
            elif self._result_at is None:
                self._look_for_a_result(store, watchers, time.monotonic() - self._producing_at)

    def _is_over(self) -> bool:
        return self._result_at is not None and time.monotonic() - self._result_at > self._plan.seconds

    def _start_cameras(self, watchers: Watchers, names: list[str]) -> None:
        """Once their frames find a worker: those that come before would be too old when one is ready."""
        if watchers.can_work():
            self._producing_at = time.monotonic()
            self._told_silent = not names  # nothing is expected then
            self._board.say("producer", f"cameras: {', '.join(names)}" if names else "no camera yet: add one on the page")
            watchers.producer.start()

    def _look_for_a_result(self, store: Store, watchers: Watchers, waited_s: float) -> None:
        if self._more_is_published(store):
            self._result_at = time.monotonic()
            self._board.say("up", f"the first result came {waited_s:.1f} s after the start of the cameras", "good")
            for watcher in watchers.faces:
                # Not before: without a line for five seconds it would tell its reader to start what is starting.
                watcher.start()
        elif waited_s > self._plan.patience_s:
            raise FerstreamError(f"no result within {self._plan.patience_s:g} s: is the camera there? fer-producer check tells")
        elif waited_s > SILENT_S and not self._told_silent:
            self._told_silent = True
            self._board.say("up", f"no result within {SILENT_S:.0f} s: fer-producer check tells how the cameras are", "warning")

    def _more_is_published(self, store: Store) -> bool:
        try:
            return read_account(store.client, store.keys).published != self._published
        except StoreError:  # it is away now: ask again
            return False

    def _tell_page(self, watchers: Watchers) -> None:
        page = self._plan.page
        if page is None or not watchers.pages[0].ready:
            return
        if self._told_page_at is not None:
            self._repeat_page(page, time.monotonic() - self._told_page_at)
            return
        self._told_page_at = time.monotonic()
        if page.taken:
            self._board.say("page", f"port {page.taken} is taken by another program: the page is on another one", "warning")
        self._board.say("page", f"the page is at {page.address}", "good")
        if self._plan.as_json and not self._plan.faces:
            self._board.print({"page": page.address})
        if self._plan.open and not webbrowser.open(page.address):
            self._board.say("page", "this machine has no browser: open it elsewhere", "warning")

    def _repeat_page(self, page: Page, ago_s: float) -> None:
        if ago_s > PAGE_LINE_S and self._plan.faces and not self._plan.as_json and self._on_terminal:
            self._told_page_at = time.monotonic()
            self._board.say("page", f"the page is at {page.address}", "good")

    def _on_hangup(self, _number: int, _frame: object) -> None:
        self._hung_up = True

    def _pass_hangup_on(self, watchers: Watchers) -> None:
        if not self._hung_up:
            return
        self._hung_up = False
        if self._on_terminal and not os.isatty(sys.stderr.fileno()):  # nobody asked for anything: the terminal was closed
            self._shutdown.requested.set()
            return
        self._board.say("up", "SIGHUP: the cameras are read again")
        for watcher in watchers.all:
            if watcher is watchers.producer or watcher.given_up:
                watcher.send(signal.SIGHUP)

    def _drain(self, store: Store, watchers: Watchers) -> None:
        """End all in the order of a frame's way. A second signal leaves at once: the parts end with this process."""
        self._board.say("up", "Stopping ...")
        steps = self._shutdown
        steps.add("stop the cameras", watchers.producer.stop)
        steps.add("wait for results", lambda: wait_until(lambda: self._is_answered(store, watchers)))
        steps.add("stop the workers", lambda: stop_all(watchers.workers))
        steps.add("stop the tracker", lambda: stop_all(watchers.trackers))
        if watchers.sinks and store.is_ours:  # what another Redis keeps can be read later
            steps.add("wait for the sinks", lambda: wait_until(lambda: all_have_read(store.client, store.keys)))
        steps.add("stop the sinks", lambda: stop_all(watchers.sinks))
        steps.add("stop what prints faces", lambda: stop_all(watchers.faces))
        steps.add("stop the page", lambda: stop_all(watchers.pages))
        steps.run()

    def _is_answered(self, store: Store, watchers: Watchers) -> bool:
        """Whether no frame waits for our workers, or none of it can be known."""
        return not watchers.working() or not store.answers() or all_are_answered(store.client, store.keys)
