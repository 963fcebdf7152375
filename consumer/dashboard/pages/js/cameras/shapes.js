// Polygons on a picture, as lists of [x, y] in shares of its width and height. Nothing here changes what it is given.

export const LEAST_POINTS = 3;
const DIGITS = 4;

/** A rectangle in the middle, to be moved into place; each new one a little aside. */
export function freshShape(number = 0) {
  const by = (number % 5) * 0.04;
  return [
    [0.35 + by, 0.35 + by],
    [0.65 + by, 0.35 + by],
    [0.65 + by, 0.65 + by],
    [0.35 + by, 0.65 + by],
  ].map(inside);
}

/** The shape with one point elsewhere, inside the picture. */
export function moved(shape, at, point) {
  return shape.map((one, index) => (index === at ? inside(point) : one));
}

/** The shape with a point in the middle of the edge that begins at one. */
export function divided(shape, at) {
  const [[x, y], [u, v]] = [shape[at], shape[(at + 1) % shape.length]];
  return [...shape.slice(0, at + 1), inside([(x + u) / 2, (y + v) / 2]), ...shape.slice(at + 1)];
}

/** The shape without a point; the same where a polygon would be left with too few. */
export function without(shape, at) {
  return shape.length > LEAST_POINTS ? shape.filter((_, index) => index !== at) : shape;
}

/** As the `points` of an SVG polygon of 1 x 1. */
export function pointsOf(shape) {
  return shape.map((point) => point.join(",")).join(" ");
}

function inside(point) {
  return point.map((value) => Number(Math.min(1, Math.max(0, value)).toFixed(DIGITS)));
}
