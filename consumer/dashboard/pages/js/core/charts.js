// Small charts as SVG and elements of our own: a bar of shares, a line.

import { el, fill, mark, svg } from "./dom.js";
import { colourOf, emotion, EMOTIONS, UNKNOWN } from "./emotions.js";

const NAMES = [...EMOTIONS, UNKNOWN];

/** A bar of shares with its legend, and at its end a `note`; `counts` is {name: number}. Returns {node, show}. */
export function shareBar({ label, note }) {
  const bar = el("div", { class: "share-bar", role: "img", "aria-label": label });
  const legend = el("div", { class: "legend share-legend" });
  let shown = "";
  const caption = el("span", { class: "muted" }, label);
  const end = note && el("span", { class: "muted share-note" }, note);
  return {
    node: el("div", { class: "share" }, bar, legend),
    show(counts, none) {
      const present = NAMES.filter((name) => counts[name] > 0);
      const key = JSON.stringify([none, present.map((name) => [name, counts[name]])]);
      if (key === shown) return;
      shown = key;
      const told = present.map((name) => `${name} ${counts[name]}`).join(", ") || none;
      mark(bar, "aria-label", `${label}: ${told}`);
      fill(
        bar,
        present.map((name) => el("span", { dataset: { name }, style: { flexGrow: counts[name], backgroundColor: colourOf(name) } })),
      );
      const items = present.map((name) => emotion(name, `${name} ${counts[name]}`));
      fill(legend, caption, items.length ? items : el("span", {}, none), end);
    },
  };
}

/** A line without axes; `values` may hold null where nothing is known. */
export function sparkline(values, { width = 96, height = 24, label } = {}) {
  const known = values.filter((value) => value !== null);
  const most = Math.max(1e-9, ...known);
  const x = (index) => (index / Math.max(1, values.length - 1)) * (width - 2) + 1;
  const y = (value) => height - 2 - (value / most) * (height - 4);
  let path = "";
  let up = true;
  values.forEach((value, index) => {
    if (value !== null) path += `${up ? "M" : "L"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    up = value === null;
  });
  return svg(
    "svg",
    { class: "sparkline", width, height, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("path", { d: path, fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-linejoin": "round", "vector-effect": "non-scaling-stroke" }),
  );
}
