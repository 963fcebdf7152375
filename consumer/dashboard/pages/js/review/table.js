// Events as a table that grows at its end.

import { el } from "../core/dom.js";
import { emotion, percent, UNKNOWN } from "../core/emotions.js";
import { clock, lasting } from "../core/times.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.review;

/** The table, empty; `add(events)` puts rows under those that are there. */
export function eventTable() {
  const body = el("tbody", {});
  const table = el(
    "table",
    { class: "table" },
    el("thead", {}, el("tr", {}, texts.columns.map(([title, kind]) => el("th", { scope: "col", class: kind }, title)))),
    body,
  );
  return {
    node: el("div", { class: "table-wrap", tabindex: "0", role: "group", "aria-label": texts.found }, table),
    add: (events) => body.append(...events.map(row)),
  };
}

function row(event) {
  return el(
    "tr",
    {},
    cell(el("time", { class: "nowrap", datetime: new Date(event.at * 1000).toISOString() }, clock(event.at))),
    cell(el("a", { href: `/camera/${encodeURIComponent(event.camera_id)}` }, event.camera_id)),
    cell(texts.kinds[event.kind] ?? event.kind),
    cell(names(event)),
    cell(event.kind === "appeared" ? TEXTS.common.unknown : lasting(event.duration), "number"),
    cell(event.peak === null ? TEXTS.common.unknown : percent(event.peak), "number"),
    cell(event.track, "number"),
    cell(event.rule ?? shares(event)),
  );
}

function cell(inside, kind) {
  return el("td", { class: kind }, inside);
}

function names({ kind, before, emotion: name }) {
  if (kind !== "changed" || !before) return emotion(name);
  return el("span", { class: "review-change" }, emotion(before), el("span", { class: "muted", "aria-label": texts.then }, "→"), emotion(name));
}

/** Of a track that left: what it showed for how much of its time. */
function shares(event) {
  if (event.kind !== "left") return "";
  const listed = Object.entries(event.shares).filter(([, share]) => share >= 0.05);
  const sorted = listed.sort(([one, a], [other, b]) => (one === UNKNOWN) - (other === UNKNOWN) || b - a);
  return sorted.map(([name, share]) => `${name} ${percent(share)}`).join(", ");
}
