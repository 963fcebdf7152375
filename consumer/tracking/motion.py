"""Where a face will be: a Kalman filter of its centre at constant velocity, and of its size.

As in SORT (Bewley et al. 2016) noise is proportional to the size of the face. All variances are in units of that size, so that x
and y share one covariance and the filter is a few products. Time is in seconds: frames come at irregular rates, with holes.
"""

import math
from dataclasses import dataclass
from typing import Self

Box = tuple[float, float, float, float]

#: Standard deviations, in sizes of the face: of a detector's box, and of the velocity (a second) of a face that was seen once.
BOX_NOISE = 0.06
FIRST_VELOCITY = 1.5
#: Densities of the noise that changes a velocity (sizes squared per cubic second), and a size (shares squared per second).
VELOCITY_NOISE = 15.0
SIZE_NOISE = 0.15
LEAST_SIZE = 1.0


@dataclass(slots=True)
class Motion:
    """Centre (x, y) and sides in pixels, velocity in pixels a second.

    `p`, `pv` and `v` are the covariance of place and velocity, `side` is the variance of the sides.
    """

    x: float
    y: float
    width: float
    height: float
    vx: float = 0.0
    vy: float = 0.0
    p: float = BOX_NOISE * BOX_NOISE
    pv: float = 0.0
    v: float = FIRST_VELOCITY * FIRST_VELOCITY
    side: float = BOX_NOISE * BOX_NOISE

    @classmethod
    def at(cls, box: Box) -> Self:
        """Of a face that was seen here once."""
        return cls((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1])

    @property
    def size(self) -> float:
        """The side of a square of the face's area, in pixels."""
        return max(LEAST_SIZE, math.sqrt(max(0.0, self.width * self.height)))

    @property
    def box(self) -> Box:
        """Where the face is thought to be, xyxy in pixels."""
        half_width, half_height = self.width / 2, self.height / 2
        return (self.x - half_width, self.y - half_height, self.x + half_width, self.y + half_height)

    @property
    def spread(self) -> float:
        """Variance of where a box of this face will be found, in sizes squared."""
        return self.p + BOX_NOISE * BOX_NOISE

    def predict(self, seconds: float) -> None:
        """Go on for so many seconds."""
        self.x += self.vx * seconds
        self.y += self.vy * seconds
        noise = VELOCITY_NOISE * seconds  # white, so that many short steps lead to where a long one does
        self.p += seconds * (2 * self.pv + seconds * (self.v + noise / 3))
        self.pv += seconds * (self.v + noise / 2)
        self.v += noise
        self.side += SIZE_NOISE * seconds

    def correct(self, box: Box) -> None:
        """Take in where the face was found."""
        seen = Motion.at(box)
        place, velocity = self.p / self.spread, self.pv / self.spread
        dx, dy = seen.x - self.x, seen.y - self.y
        self.x += place * dx
        self.y += place * dy
        self.vx += velocity * dx
        self.vy += velocity * dy
        self.v -= velocity * self.pv
        self.pv *= 1 - place
        self.p *= 1 - place
        share = self.side / (self.side + BOX_NOISE * BOX_NOISE)
        self.width += share * (seen.width - self.width)
        self.height += share * (seen.height - self.height)
        self.side *= 1 - share
