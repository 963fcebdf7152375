// What is looked for among events: kept in the address, so that it can be sent to somebody.

import { el } from "../core/dom.js";
import { EMOTIONS, UNKNOWN } from "../core/emotions.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.review;
const KINDS = ["appeared", "changed", "left", "alert"];
const NAMES = ["camera", "emotion", "kind", "range", "from", "to"];
const RANGES_S = { "15m": 900, "1h": 3600, "6h": 6 * 3600, "24h": 86400 };
const USUAL = "1h";

/** Of the address: {camera, emotion, kind, range, from, to}; `from` and `to` are seconds since the epoch, where somebody chose them. */
export function filtersOf(query) {
  const found = {};
  for (const name of NAMES) if (query.get(name)) found[name] = query.get(name);
  for (const name of ["from", "to"]) if (!Number.isFinite(Number(found[name]))) delete found[name];
  if (!found.from && !found.to && !(found.range in RANGES_S)) found.range = USUAL;
  if (found.from || found.to) delete found.range;
  return found;
}

/** The search of the page's address. */
export function addressOf(filters) {
  return `/review?${new URLSearchParams(filters)}`;
}

/** The search of `/api/history` for these filters at `now`, before `until` where older ones are wanted. */
export function queryOf(filters, now, { until, limit } = {}) {
  const { camera, emotion, kind } = filters;
  const [from, to] = spanOf(filters, now);
  const wanted = { camera, emotion, kind, from, to: until ?? to, limit };
  return new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== undefined && value !== null));
}

/** From when, and until when; undefined where it is open. */
export function spanOf(filters, now) {
  if (filters.range) return [Math.floor(now - RANGES_S[filters.range]), undefined];
  return [filters.from && Number(filters.from), filters.to && Number(filters.to)];
}

/** The form; `change(filters)` is called with each change. */
export function filtersForm(filters, cameras, change) {
  const form = el(
    "form",
    { class: "card review-filters", "aria-label": texts.filters, onsubmit: (event) => event.preventDefault(), onchange: () => change(read()) },
    choice("camera", texts.camera, cameras.map((name) => [name, name])),
    choice("emotion", texts.emotion, [...EMOTIONS, UNKNOWN].map((name) => [name, name])),
    choice("kind", texts.kind, KINDS.map((name) => [name, texts.kinds[name]])),
    choice("range", texts.range, [...Object.keys(RANGES_S).map((name) => [name, texts.ranges[name]]), ["own", texts.ownRange]], false),
    time("from", texts.from),
    time("to", texts.to),
  );
  const own = !filters.range;
  form.elements.range.value = own ? "own" : filters.range;
  showOwn(own);
  return form;

  function choice(name, label, options, any = true) {
    const listed = any ? [["", texts.any], ...options] : options;
    if (filters[name] && !listed.some(([value]) => value === filters[name])) listed.push([filters[name], filters[name]]);
    const select = el("select", { class: "select", name, id: `review-${name}` }, listed.map(([value, said]) => el("option", { value, selected: value === (filters[name] ?? "") }, said)));
    return el("div", { class: "field" }, el("label", { for: `review-${name}` }, label), select);
  }

  function time(name, label) {
    const input = el("input", { class: "input", type: "datetime-local", step: "1", name, id: `review-${name}`, value: filters[name] ? localTime(filters[name]) : "" });
    return el("div", { class: "field review-own" }, el("label", { for: `review-${name}` }, label), input);
  }

  function read() {
    const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
    const own = given.range === "own";
    showOwn(own);
    if (!own) return { ...given, from: undefined, to: undefined };
    return { ...given, range: undefined, from: secondsOf(given.from), to: secondsOf(given.to) };
  }

  function showOwn(own) {
    for (const field of form.querySelectorAll(".review-own")) field.hidden = !own;
  }
}

/** As `datetime-local` wants it, in the viewer's zone. */
function localTime(at) {
  const date = new Date(Number(at) * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
}

function secondsOf(local) {
  const at = new Date(local).getTime();
  return Number.isFinite(at) ? String(Math.floor(at / 1000)) : undefined;
}
