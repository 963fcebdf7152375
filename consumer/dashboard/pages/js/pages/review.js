// Review: the last hours' events, found again by camera, emotion, kind and time.

import { el, fill, say } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { countsDrawing, countsLegend, ticksOf } from "../review/counts.js";
import { addressOf, filtersForm, filtersOf, queryOf, spanOf } from "../review/filters.js";
import { eventTable } from "../review/table.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.review;
const A_PAGE = 200;

export function mount(root, { live, api, params }) {
  let filters = filtersOf(params.query);
  let events = [];
  let table = null;
  let looking = new AbortController();
  const leaving = new AbortController();
  const counts = el("div", { class: "card-body review-timeline" });
  const found = el("div", {});
  const said = el("h2", {}, texts.looking);
  const fresh = el("button", { class: "button", type: "button", hidden: true, onclick: () => look() });
  const csv = el("a", { class: "button", download: "events.csv" }, icon("download"), texts.csv);
  const form = el("div", {});
  const card = el("section", { class: "card" }, el("header", { class: "card-head" }, el("div", { role: "status" }, said), el("span", { class: "aside" }, fresh)), counts, found);
  root.append(el("div", { class: "page review" }, el("header", { class: "page-head" }, el("h1", {}, texts.title), el("div", { class: "aside" }, csv)), form, card));
  showForm([]);
  api.get("/api/cameras").then((cameras) => showForm(cameras.map((one) => one.camera_id)), () => {});
  live.on("event", ({ event }) => count(event), leaving.signal);
  look();
  return () => {
    leaving.abort();
    looking.abort();
  };

  function showForm(cameras) {
    const focused = document.activeElement?.name;
    fill(form, filtersForm(filters, cameras.sort(), change));
    if (focused && form.firstChild.elements[focused]) form.firstChild.elements[focused].focus();
  }

  function change(given) {
    filters = filtersOf(new URLSearchParams(Object.entries(given).filter(([, value]) => value)));
    window.history.replaceState({}, "", addressOf(filters));
    look();
  }

  /** From the newest on. */
  async function look() {
    looking.abort();
    looking = new AbortController();
    fresh.hidden = true;
    fresh.dataset.number = "0";
    events = [];
    table = eventTable();
    csv.href = `/api/history.csv?${queryOf(filters, live.now())}`;
    await more(looking.signal);
  }

  async function more(signal) {
    const last = events.at(-1);
    let answer;
    try {
      // Of several events of one instant some may be known already: so much later is asked for again.
      answer = await api.get(`/api/history?${queryOf(filters, live.now(), { limit: A_PAGE, until: last && last.at + 0.001 })}`, { signal });
    } catch (error) {
      if (error.name !== "AbortError") failed(error);
      return;
    }
    const known = new Set(events.map((event) => event.event_id));
    const added = answer.events.filter((event) => !known.has(event.event_id));
    events.push(...added);
    table.add(added);
    show(answer.more && added.length > 0);
  }

  function show(isMore) {
    const [from, to] = spanOf(filters, live.now());
    say(said, isMore ? texts.atLeast(events.length) : texts.foundSo(events.length));
    if (!events.length) {
      fill(counts);
      fill(found, el("div", { class: "empty" }, icon("review"), el("h2", {}, texts.nothing), el("p", {}, texts.nothingWhy)));
      return;
    }
    const oldest = isMore ? events.at(-1).at : (from ?? events.at(-1).at);
    const newest = Math.max(to ?? live.now(), oldest + 1);
    fill(counts, countsDrawing(events, oldest, newest), el("div", { class: "review-ticks muted", "aria-hidden": "true" }, ticksOf(oldest, newest).map((tick) => el("span", {}, tick))), countsLegend(events));
    if (table.node.parentNode !== found) fill(found, table.node);
    found.querySelector(".review-more")?.remove();
    if (isMore) found.append(el("div", { class: "review-more" }, el("button", { class: "button", type: "button", onclick: () => more(looking.signal) }, texts.loadMore)));
  }

  function failed(error) {
    say(said, texts.failed);
    fill(counts);
    fill(found, el("div", { class: "empty" }, icon("warning"), el("p", {}, error.message), el("button", { class: "button", type: "button", onclick: () => look() }, texts.again)));
  }

  /** Those that happened meanwhile are shown when somebody asks: rows do not move under the pointer. */
  function count(event) {
    const [from, to] = spanOf(filters, live.now());
    const wanted = ["camera", "emotion", "kind"].every((name) => !filters[name] || filters[name] === (name === "camera" ? event.camera_id : event[name]));
    if (!wanted || (to && event.at >= to) || (from && event.at < from)) return;
    const number = Number(fresh.dataset.number) + 1;
    fresh.dataset.number = number;
    fresh.hidden = false;
    say(fresh, texts.fresh(number));
  }
}
