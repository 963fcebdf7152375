"""Libraries that the parts of a plan need and that may not be installed: looked for before anything is started."""

from importlib.util import find_spec

from ferstream.streams.errors import how_to_install
from ferstream.streams.local.parts.plan import Plan
from ferstream.streams.service.command import Failure

#: Of the page's own extra.
_PAGE = ("starlette", "uvicorn", "websockets", "sse_starlette", "itsdangerous", "argon2", "limits", "ruamel.yaml")
_RUNTIMES = ("openvino", "torch")
#: Kinds of sinks that have an extra of their own, by their name, and its library.
_SINKS = {"parquet": "pyarrow", "postgresql": "psycopg", "mqtt": "paho.mqtt", "webhook": "httpx2"}


def check_needs(plan: Plan) -> None:
    """Raises Failure with what to install: a part without its library would be started again and again."""
    missing = [library for library in _PAGE if plan.page and not _is_there(library)]
    if missing:
        raise Failure(f"the page needs {', '.join(missing)}: {how_to_install('dashboard')}, or --no-page")
    if not any(map(_is_there, _RUNTIMES)):
        raise Failure(f"workers need a runtime: {how_to_install('cpu')} (OpenVINO), or [gpu] in its place (torch)")
    for kind, library in _SINKS.items():
        if any(sink.kind == kind for sink in plan.sinks) and not _is_there(library):
            raise Failure(f"sink {kind} needs {library}: {how_to_install(kind)}")


def _is_there(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ModuleNotFoundError:  # the package that it is in
        return False
