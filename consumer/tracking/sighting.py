"""A moment of a camera: which frame, and when."""

from dataclasses import dataclass

from ferstream.streams.wire.messages import Result


@dataclass(slots=True)
class Sighting:
    """The frame `sequence`, at `at` seconds since the epoch, `media_time` of its file or None.

    `elapsed` is the camera's own time, in seconds since its first result: it never goes back, whatever clocks do.
    """

    sequence: int
    at: float
    media_time: float | None
    elapsed: float

    @classmethod
    def first(cls, result: Result) -> "Sighting":
        """Of a camera that is new."""
        return cls(result.sequence, result.captured_at, result.media_time, 0.0)

    def next(self, result: Result) -> "Sighting":
        """Of the camera's next result: by media time where both have one, else by capture time; a clock set back stands still."""
        if result.media_time is not None and self.media_time is not None:
            seconds = result.media_time - self.media_time
        else:
            seconds = result.captured_at - self.at
        return Sighting(result.sequence, result.captured_at, result.media_time, self.elapsed + max(0.0, seconds))
