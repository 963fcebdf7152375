"""From what one camera's frames or minutes say to its figures, in one pass and with bounded memory."""

import heapq

from ferstream.consumer.records.minute import Minute
from ferstream.consumer.report.numbers.figures import Figures, Gap, Gaps
from ferstream.consumer.report.numbers.period import Period
from ferstream.consumer.report.numbers.seen import Seen
from ferstream.consumer.report.numbers.timeline import Timeline
from ferstream.consumer.report.numbers.track_lengths import OpenTracks, TrackLengths

#: A frame stands for the time until the next one, and for so long at most.
LONGEST_S = 1.0
#: Shorter than this, a stretch without results is no gap worth a line; coverage tells of it all the same.
LEAST_GAP_S = 5.0
#: The longest gaps of a camera, which are listed.
LISTED = 100


class Tally:
    """Figures of one camera. Frames or minutes come in order of time, each once.

    A frame stands for the time until the next one, LONGEST_S at most; the last before a gap for as long as the one before it.
    """

    def __init__(self, camera_id: str, period: Period, longest_s: float = LONGEST_S) -> None:
        self.camera_id = camera_id
        self._period, self._longest_s = period, longest_s
        self._timeline = Timeline(period)
        self._last: Seen | None = None
        self._lasted_s = longest_s
        self._results = self._faces = self._people_max = 0
        self._tracks = OpenTracks()
        self._ended = TrackLengths()
        self._covered_until = period.start
        self._longest_gaps: list[Gap] = []
        self._gaps = 0
        self._gap_s = 0.0

    def see(self, seen: Seen) -> None:
        """Take in a frame."""
        if self._last is not None:
            after = seen.at - self._last.at
            if 0 < after <= self._longest_s:
                self._lasted_s = after
            self._stand(self._last, min(seen.at, self._last.at + self._lasted_s))
        self._last = seen
        if self._period.start <= seen.at < self._period.end:
            self._results += 1
            self._faces += len(seen.emotions)
            self._people_max = max(self._people_max, len(seen.emotions))
            self._tracks.see(seen.at, seen.tracks)

    def add_minute(self, minute: Minute) -> None:
        """Take in a minute's sums. Where in it results were missing is not known: its gaps are those of whole minutes."""
        end = minute.start + minute.seconds
        covered_s = minute.coverage * minute.seconds
        self._timeline.spread(minute.start, end, covered_s, minute.people_max, minute.emotion_seconds)
        self._results += minute.results
        self._faces += minute.faces
        self._people_max = max(self._people_max, minute.people_max)
        if covered_s:
            self._cover(minute.start, end)

    def end_track(self, length_s: float) -> None:
        """An event says that a track of such a length has ended."""
        self._ended.add(length_s)

    def finish(self, *, tracks_known: bool) -> Figures:
        """The figures. Events of tracks win over the numbers at faces; without either, `tracks_known` says if none is 0."""
        if self._last is not None:
            self._stand(self._last, self._last.at + self._lasted_s)
            self._last = None
        self._cover(self._period.end, self._period.end)
        timeline, numbered = self._timeline, self._tracks.finish()
        tracks = self._ended if self._ended.count else numbered
        return Figures(
            name=self.camera_id,
            observed_s=self._period.seconds,
            covered_s=sum(timeline.covered),
            results=self._results,
            faces=self._faces,
            emotion_seconds={name: sum(values) for name, values in timeline.emotions.items()},
            people_max=self._people_max,
            tracks=tracks if tracks.count or tracks_known else None,
            timeline=timeline,
            gaps=Gaps(self._gaps, self._gap_s, tuple(sorted(self._longest_gaps, key=lambda gap: gap.start))),
        )

    def _stand(self, seen: Seen, until: float) -> None:
        self._timeline.stand(seen.at, until, seen.emotions)
        self._cover(seen.at, until)

    def _cover(self, begin: float, end: float) -> None:
        begin = min(begin, self._period.end)
        missing = begin - self._covered_until
        if missing >= LEAST_GAP_S:
            self._gaps += 1
            self._gap_s += missing
            heapq.heappush(self._longest_gaps, Gap(missing, self._covered_until, begin))
            if len(self._longest_gaps) > LISTED:
                heapq.heappop(self._longest_gaps)
        self._covered_until = max(self._covered_until, end)
