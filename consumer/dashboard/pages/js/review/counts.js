// A small timeline: how many of the events that were found happened when, by emotion.

import { el, svg } from "../core/dom.js";
import { colourOf, emotion, EMOTIONS, UNKNOWN } from "../core/emotions.js";
import { minute, moment } from "../core/times.js";
import { TEXTS } from "../texts.js";

const WIDTH = 1200;
const HEIGHT = 64;
const BARS = 60;

/** The drawing of `events` between two times, in seconds. */
export function countsDrawing(events, from, to) {
  const bars = barsOf(events, from, to);
  const most = Math.max(1, ...bars.map((bar) => bar.total));
  const wide = WIDTH / BARS;
  const label = TEXTS.review.countsOf(TEXTS.review.foundSo(events.length), moment(from), moment(to), most);
  return svg(
    "svg",
    { class: "review-counts", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    bars.map((bar, at) => stack(bar, at * wide, wide, most)),
  );
}

/** What the colours are, and how many of each there are. */
export function countsLegend(events) {
  const named = [...EMOTIONS, UNKNOWN].map((name) => [name, events.filter((event) => event.emotion === name).length]);
  return el("div", { class: "legend" }, named.filter(([, number]) => number).map(([name, number]) => emotion(name, `${name} ${number}`)));
}

/** Times under the drawing. */
export function ticksOf(from, to, number = 5) {
  return Array.from({ length: number }, (_, at) => from + ((to - from) * at) / (number - 1)).map(minute);
}

function barsOf(events, from, to) {
  const bars = Array.from({ length: BARS }, () => ({ total: 0, of: {} }));
  for (const { at, emotion: name } of events) {
    const bar = bars[Math.min(BARS - 1, Math.max(0, Math.floor(((at - from) / (to - from)) * BARS)))];
    bar.total += 1;
    bar.of[name] = (bar.of[name] ?? 0) + 1;
  }
  return bars;
}

function stack(bar, x, wide, most) {
  let y = HEIGHT;
  return [...EMOTIONS, UNKNOWN]
    .filter((name) => bar.of[name])
    .map((name) => {
      const high = (bar.of[name] / most) * HEIGHT;
      y -= high;
      return svg("rect", { x: x + 1, y, width: wide - 2, height: high, fill: colourOf(name) }, svg("title", {}, `${name} ${bar.of[name]}`));
    });
}
