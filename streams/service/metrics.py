"""What the metrics of all processes have in common: buckets of latency, bounded labels, and `fer_build_info`."""

import logging
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import Gauge

log = logging.getLogger(__name__)

#: Names of cameras that one process tells apart, and characters of each: Prometheus keeps a series for every one it ever saw.
MOST_CAMERAS, LONGEST_NAME = 1000, 100
#: The label of all others.
OTHER = "other"
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


class CameraLabels(dict[str, str]):
    """The label of a camera whose name came over the wire, where anybody may have written it: a bounded number of short ones."""

    def __missing__(self, camera_id: str) -> str:
        label = camera_id[:LONGEST_NAME]
        if label in self:
            return label
        if len(self) < MOST_CAMERAS:
            self[label] = label
            return label
        if OTHER not in self:
            self[OTHER] = OTHER
            log.warning("more than %d cameras: metrics count what comes of further ones as camera %r", MOST_CAMERAS, OTHER)
        return OTHER
