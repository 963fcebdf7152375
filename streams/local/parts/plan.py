"""What is to run on this machine, and the parts that come of it."""

import os
import shlex
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ferstream.streams.local.cores import Workers
from ferstream.streams.local.parts.camera_list import CameraList
from ferstream.streams.local.parts.part import Part, PlannedParts, variables_with
from ferstream.streams.local.processes import free_port

#: Kinds of sinks, and the option that says where each writes.
SINKS = {
    "sqlite": "--file",
    "jsonl": "--dir",
    "parquet": "--dir",
    "postgresql": "--url-file",
    "mqtt": "--broker",
    "webhook": "--url-file",
}
#: Lines of faces that eyes follow.
_LINES_A_SECOND = 8
_EVERYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Page:
    """Where the page is, and who may see it. `taken` is the port that it would have, were that free."""

    host: str
    port: int
    users: Path | None = None
    token_file: Path | None = None
    token_role: str = "viewer"
    taken: int | None = None

    @property
    def address(self) -> str:
        """As another machine would ask for it, where it may."""
        scheme = "https" if os.environ.get("FER_DASHBOARD_TLS_CERT") else "http"
        host = socket.gethostname() if self.host in _EVERYWHERE else self.host
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}/"


@dataclass(frozen=True, slots=True)
class Sink:
    """`fer-consumer sink`, in words: its kind, where it writes, and more options."""

    kind: str
    target: str
    options: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Sink":
        """Of KIND:TARGET, and options behind it. Raises ValueError with what is wrong."""
        first, *options = shlex.split(text) or [""]
        kind, _, target = first.partition(":")
        if kind not in SINKS or not target:
            raise ValueError(f"it must be KIND:TARGET, where KIND is one of {', '.join(SINKS)}: sqlite:results.db")
        if options and not options[0].startswith("-"):
            raise ValueError(f"quote a name with a space: '{kind}:\"{target} {options[0]}\"'")
        return cls(kind, target, tuple(options))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `fer up` was asked for. `seconds` count from the first result, which comes within `patience_s`."""

    cameras: CameraList
    workers: Workers
    redis_url: str | None
    prefix: str
    page: Page | None
    seconds: float
    patience_s: float
    open: bool = False
    track: bool = True
    sinks: tuple[Sink, ...] = ()
    faces: bool = False  # a line for each
    as_json: bool = False


#: No variables of its own.
NONE: Mapping[str, str] = {}


class _Maker:
    """Makes parts that share a Redis and a log."""

    def __init__(self, plan: Plan, url: str, log: tuple[str, ...]) -> None:
        self._url, self._shared = url, ("--prefix", plan.prefix, *log)

    def service(self, name: str, program: str, *words: str, variables: Mapping[str, str] = NONE, sums: bool = False) -> Part:
        port = free_port()
        metrics = ("--metrics-host", "127.0.0.1", "--metrics-port", str(port))
        return Part(
            name=name,
            program=program,
            arguments=(*words, *self._shared, *metrics),
            variables=variables_with(program, FER_REDIS=self._url, **variables),
            metrics_port=port,
            sums=sums,
        )

    def printer(self, name: str, program: str, *words: str) -> Part:
        variables = variables_with(program, FER_REDIS=self._url)
        return Part(name=name, program=program, arguments=(*words, *self._shared), variables=variables, ends_all=True)


def plan_parts(plan: Plan, url: str, cameras_file: Path, camera_options: tuple[str, ...], log: tuple[str, ...]) -> PlannedParts:
    """The parts, each with a metrics port of its own. `log` are the options with which they log as we do."""
    make = _Maker(plan, url, log)
    # As variables, since one that is set was set for a reason: on the command line it would lose.
    usual = {"FER_WORKER_THREADS": str(plan.workers.threads), "FER_WORKER_PREVIEWS": "plain" if plan.page else "off"}
    variables = {name: os.environ.get(name) or value for name, value in usual.items()}
    return PlannedParts(
        producer=make.service("producer", "producer", "run", "--stay", *camera_options),
        workers=[
            make.service(f"worker {number}", "worker", "run", "--json", variables=variables, sums=True)
            for number in range(1, plan.workers.count + 1)
        ],
        trackers=[make.service("tracker", "consumer", "track")] if plan.track else [],
        sinks=list(_sinks(make, plan.sinks)),
        faces=[make.printer("faces", "consumer", "tail", "--from", "0", *_shape(plan))] if plan.faces else [],
        pages=[_page(make, plan.page, cameras_file)] if plan.page else [],
    )


def _shape(plan: Plan) -> tuple[str, ...]:
    """How faces are printed: all of them for a program, as many as somebody can read on a terminal."""
    if plan.as_json:
        return ("--json",)
    return ("--lines-a-second", str(_LINES_A_SECOND)) if sys.stdout.isatty() else ()


def _sinks(make: _Maker, sinks: tuple[Sink, ...]) -> Iterator[Part]:
    for number, sink in enumerate(sinks, start=1):
        option, target, variables = SINKS[sink.kind], sink.target, {}
        if option == "--url-file":
            if target.startswith("@"):
                target = target[1:]
            else:  # it may hold a password
                option, variables = "", {"FER_CONSUMER_URL": target}
        same = sum(other.kind == sink.kind for other in sinks) > 1
        words = ("sink", sink.kind, *((option, target) if option else ()), *sink.options)
        yield make.service(f"{sink.kind} {number}" if same else sink.kind, "consumer", *words, variables=variables)


def _page(make: _Maker, page: Page, cameras_file: Path) -> Part:
    users = ("--users", str(page.users)) if page.users else ()
    token = ("--token-file", str(page.token_file), "--token-role", page.token_role) if page.token_file else ()
    words = ("run", "--host", page.host, "--port", str(page.port), "--cameras", str(cameras_file), *users, *token)
    return make.service("page", "dashboard", *words)
