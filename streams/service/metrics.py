"""What the metrics of all processes have in common: buckets of latency, and `fer_build_info`."""

from importlib.metadata import PackageNotFoundError, version

from prometheus_client import Gauge

#: Seconds, from 5 ms to 10 s.
LATENCY_BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)

_BUILD_INFO = Gauge("fer_build_info", "Always 1; the labels tell which version of which program runs.", ["program", "version"])


def ferstream_version() -> str:
    """The version of the installed package, `unknown` where it is not installed."""
    try:
        return version("ferstream")
    except PackageNotFoundError:
        return "unknown"


def announce(program: str) -> None:
    """Set `fer_build_info` for this process."""
    _BUILD_INFO.labels(program, ferstream_version()).set(1)
