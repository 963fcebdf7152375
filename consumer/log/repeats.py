"""Which records a file has already, so that a crash does not write them twice."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import TypeVar

from ferstream.consumer.records.lines import RecordName, name_of
from ferstream.consumer.records.rows import Record

#: Names remembered; twenty batches of the usual size. What comes again after a crash is the last batch, or two.
MOST = 100_000

R = TypeVar("R", bound=Record)


class Repeats:
    """The names of the last records that were written."""

    def __init__(self) -> None:
        self._names: OrderedDict[RecordName, None] = OrderedDict()

    def add(self, names: Iterable[RecordName]) -> None:
        """Remember names; the oldest are forgotten first."""
        for name in names:
            self._names[name] = None
        while len(self._names) > MOST:
            self._names.popitem(last=False)

    def new(self, records: Sequence[R]) -> list[R]:
        """Those that are not known, each once."""
        found = {name: record for record in records if (name := name_of(record)) not in self._names}
        return list(found.values())
