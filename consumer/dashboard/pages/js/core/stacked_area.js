// How many people showed each emotion over time: areas, one on the other.

import { el, fill, mark, svg } from "./dom.js";
import { colourOf, emotion, EMOTIONS, patternOf, UNKNOWN } from "./emotions.js";
import { clock, minute } from "./times.js";

const NAMES = [...EMOTIONS, UNKNOWN];
const EDGE = { top: 10, right: 92, bottom: 24, left: 32 };
let charts = 0;

/**
 * How many people showed each emotion over time, stacked: `const chart = stackedArea({label}); chart.show(timeline)`.
 *
 * `timeline` is {from, step, emotions: {name: [number of each step]}}. The pointer and the arrow keys read a step out. `chart.node`
 * is the element; `words(at, people)` makes the text of a read-out, `empty` is said where there is nothing.
 */
export function stackedArea({ label, words, empty, height = 220 }) {
  const id = `chart-${++charts}`;
  const drawing = svg("svg", { height, role: "presentation", class: "chart-drawing" });
  const readout = el("div", { class: "chart-readout", hidden: true });
  const legend = el("div", { class: "legend chart-legend" });
  const field = el("div", { class: "chart-field skeleton", tabindex: "0", role: "slider", "aria-label": label, "aria-valuenow": "0" }, drawing, readout);
  const node = el("div", { class: "chart" }, field, legend);
  const chart = { node, show };
  let timeline = null;
  let width = 0;
  let at = null;
  new ResizeObserver(([entry]) => {
    width = Math.round(entry.contentRect.width);
    draw();
  }).observe(field);
  field.addEventListener("pointermove", (event) => point(stepAt(event)));
  field.addEventListener("pointerleave", () => document.activeElement !== field && point(null));
  field.addEventListener("blur", () => point(null));
  field.addEventListener("focus", () => field.matches(":focus-visible") && point(at ?? steps() - 1));
  field.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -30, PageUp: 30, Home: -Infinity, End: Infinity };
    if (!(event.key in by) || !timeline) return;
    event.preventDefault();
    point(Math.min(Math.max((at ?? steps() - 1) + by[event.key], 0), steps() - 1));
  });
  return chart;

  function show(next) {
    timeline = next;
    field.classList.remove("skeleton");
    draw();
  }

  function steps() {
    return timeline ? Math.max(0, ...Object.values(timeline.emotions).map((values) => values.length)) : 0;
  }

  function stepAt(event) {
    const { left } = field.getBoundingClientRect();
    const share = (event.clientX - left - EDGE.left) / Math.max(1, width - EDGE.left - right());
    return steps() ? Math.min(Math.max(Math.round(share * (steps() - 1)), 0), steps() - 1) : null;
  }

  function right() {
    return width < 480 ? 8 : EDGE.right;
  }

  function draw() {
    if (!timeline || !width) return;
    const bands = stacked(timeline, steps());
    const most = Math.max(1, Math.ceil(Math.max(0, ...(bands.at(-1)?.upper ?? [0]))));
    const size = { width, height, right: right(), steps: steps(), most };
    mark(drawing, "width", width);
    mark(drawing, "viewBox", `0 0 ${width} ${height}`);
    const rising = bands.map((band) => svg("path", { d: outline(band, size), fill: `url(#${id}-${band.name})`, stroke: colourOf(band.name), "stroke-width": 0.75 }));
    fill(
      drawing,
      patterns(id, bands),
      rungs(size),
      rising,
      hours(timeline, size),
      width >= 480 && sideLabels(bands, size),
      svg("line", { class: "chart-cursor", y1: EDGE.top, y2: height - EDGE.bottom, visibility: "hidden" }),
      !bands.length && svg("text", { class: "chart-empty", x: width / 2, y: height / 2 - 8, "text-anchor": "middle" }, empty),
    );
    fill(legend, bands.map((band) => swatch(id, band.name)));
    mark(field, "aria-valuemin", 0);
    mark(field, "aria-valuemax", Math.max(0, steps() - 1));
    if (at === null) {
      mark(field, "aria-valuenow", Math.max(0, steps() - 1));
      mark(field, "aria-valuetext", steps() ? told(steps() - 1) : empty);
    } else point(Math.min(at, steps() - 1));
  }

  function told(step) {
    return words(timeline.from + step * timeline.step, peopleAt(timeline, step));
  }

  function point(step) {
    at = step;
    const cursor = drawing.querySelector(".chart-cursor");
    readout.hidden = step === null || !timeline;
    mark(cursor ?? drawing, "visibility", step === null ? (cursor ? "hidden" : null) : "visible");
    if (step === null || !timeline || !cursor) return;
    const x = EDGE.left + (step / Math.max(1, steps() - 1)) * (width - EDGE.left - right());
    mark(cursor, "x1", x);
    mark(cursor, "x2", x);
    const people = peopleAt(timeline, step);
    fill(
      readout,
      el("strong", {}, clock(timeline.from + step * timeline.step)),
      people.length ? people.map(([name, number]) => el("div", {}, emotion(name), el("span", {}, number.toFixed(1)))) : el("div", { class: "muted" }, empty),
    );
    readout.style.left = `${x + (x > width / 2 ? -12 : 12)}px`;
    readout.style.translate = x > width / 2 ? "-100%" : "0";
    mark(field, "aria-valuenow", step);
    mark(field, "aria-valuetext", told(step));
  }
}

/** A small square of an emotion's colour and pattern, with its name: the legend of a chart. */
function swatch(id, name) {
  const square = svg("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, svg("rect", { width: 14, height: 14, rx: 2, fill: `url(#${id}-${name})`, stroke: "currentColor", "stroke-opacity": 0.5 }));
  return el("span", { class: "emotion" }, square, el("span", {}, name));
}

function stacked(timeline, steps) {
  let lower = new Array(steps).fill(0);
  const bands = [];
  for (const name of NAMES) {
    const values = timeline.emotions[name];
    if (!values?.some((value) => value > 0)) continue;
    const upper = lower.map((base, index) => base + (values[index] ?? 0));
    bands.push({ name, lower, upper });
    lower = upper;
  }
  return bands;
}

function peopleAt(timeline, step) {
  return NAMES.map((name) => [name, timeline.emotions[name]?.[step] ?? 0]).filter(([, number]) => number >= 0.05);
}

function across(index, { width, right, steps }) {
  return EDGE.left + (index / Math.max(1, steps - 1)) * (width - EDGE.left - right);
}

function upwards(value, { height, most }) {
  return height - EDGE.bottom - (value / most) * (height - EDGE.top - EDGE.bottom);
}

/** The path of a band; where it has no height there is none. */
function outline({ lower, upper }, size) {
  const at = (values, index) => `${across(index, size).toFixed(1)} ${upwards(values[index], size).toFixed(1)}`;
  let path = "";
  for (let from = 0; from < size.steps; from += 1) {
    if (upper[from] <= lower[from]) continue;
    let to = from;
    while (to + 1 < size.steps && upper[to + 1] > lower[to + 1]) to += 1;
    const [first, last] = [Math.max(0, from - 1), Math.min(size.steps - 1, to + 1)];
    const indexes = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    path += `M${indexes.map((index) => at(upper, index)).join("L")}L${indexes.reverse().map((index) => at(lower, index)).join("L")}Z`;
    from = to;
  }
  return path;
}

function patterns(id, bands) {
  return svg(
    "defs",
    {},
    bands.map(({ name }) =>
      svg(
        "pattern",
        { id: `${id}-${name}`, width: 8, height: 8, patternUnits: "userSpaceOnUse" },
        svg("rect", { width: 8, height: 8, fill: colourOf(name) }),
        svg("path", { d: patternOf(name) || "M0 0", stroke: "#101418", "stroke-opacity": 0.42, "stroke-width": 1.4, "stroke-linecap": "round", fill: "none" }),
      ),
    ),
  );
}

function rungs(size) {
  const every = Math.max(1, Math.ceil(size.most / 4));
  const marks = [];
  for (let value = 0; value <= size.most; value += every) {
    const y = Math.round(upwards(value, size)) + 0.5;
    marks.push(
      svg("line", { class: "chart-rung", x1: EDGE.left, x2: size.width - size.right, y1: y, y2: y }),
      svg("text", { class: "chart-text", x: EDGE.left - 8, y: y + 4, "text-anchor": "end" }, value),
    );
  }
  return marks;
}

function hours(timeline, size) {
  const span = size.steps * timeline.step;
  const room = Math.max(1, Math.floor((size.width - EDGE.left - size.right) / 72));
  const every = [60, 120, 300, 600, 900, 1800, 3600].find((seconds) => span / seconds <= room) ?? 7200;
  const marks = [];
  for (let at = Math.ceil(timeline.from / every) * every; at < timeline.from + span; at += every) {
    const x = across((at - timeline.from) / timeline.step, size);
    if (x > size.width - size.right - 12 || x < EDGE.left + 12) continue;
    marks.push(svg("text", { class: "chart-text", x, y: size.height - 6, "text-anchor": "middle" }, minute(at)));
  }
  return marks;
}

/** Names beside the last step, where a band is high enough; those that would lie on each other are left to the legend. */
function sideLabels(bands, size) {
  let last = Infinity;
  return bands.flatMap((band) => {
    const [low, high] = [band.lower.at(-1), band.upper.at(-1)];
    const y = upwards((low + high) / 2, size) + 4;
    if (high - low < 0.04 * size.most || last - y < 14) return [];
    last = y;
    return [svg("text", { class: "chart-text chart-side", x: size.width - size.right + 8, y }, band.name)];
  });
}
