// Cameras by producer, workers, trackers, and groups of sinks, as tables; those that are not well stand first.

import { conditionOf } from "../core/condition.js";
import { el } from "../core/dom.js";
import { percent } from "../core/emotions.js";
import { lasting, latency } from "../core/times.js";
import { count, rate } from "../shared/numbers.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.fleet;
const unknown = TEXTS.common.unknown;
const WORKER_TONES = { ready: "good", "warming up": "", draining: "" };
/** Rows that are not well stand first. */
const RANKS = { bad: 0, warn: 1, "": 1, good: 2 };
const MOST = 50;

export function camerasTable(status) {
  const rows = status.cameras.map((one) => {
    const silent = one.silent_since !== null;
    const figures = status.figures?.[one.camera_id] ?? {};
    const { tone, badge: state } = conditionOf(one);
    return row(one.camera_id, tone, [
      el("a", { href: `/camera/${encodeURIComponent(one.camera_id)}` }, one.camera_id),
      badge(state, tone),
      silent ? unknown : rate(one.frames_per_second),
      rate(figures.results_per_second),
      latency(figures.age_p95_s),
      one.last_frame_at === null ? texts.never : texts.ago(lasting(status.at - one.last_frame_at)),
      one.holder,
      one.problem,
    ]);
  });
  return table("cameras", rows, status.hidden.includes("cameras"));
}

export function workersTable(status) {
  const rows = status.workers.map((one) => {
    const silent = one.silent_since !== null;
    const state = silent ? "silent" : one.state;
    const tone = WORKER_TONES[state] ?? "bad";
    return row(one.name, tone, [
      one.name,
      badge(state, tone),
      silent ? unknown : rate(one.frames_per_second),
      silent ? unknown : busy(one.busy),
      count(one.held),
      `${one.device} ${one.runtime} ${one.precision}`,
      Object.values(one.models).join(", "),
      lasting(status.at - (one.silent_since ?? one.since)),
    ]);
  });
  return table("workers", rows, status.hidden.includes("workers"));
}

export function trackersTable(status) {
  const live = status.trackers.filter((one) => one.silent_since === null && (one.shard !== null || standsBy(one, status)));
  const rows = live.map((one) =>
    row(`${one.holder}/${one.shard}`, "good", [
      one.holder,
      one.shard === null ? texts.standsBy : count(one.shard),
      count(one.cameras),
      count(one.faces),
      latency(one.lag_s),
    ]),
  );
  return table("trackers", rows, status.hidden.includes("trackers"));
}

/** A tracker speaks of itself and of each shard that it has; of itself it is shown only where it has none. */
function standsBy(tracker, status) {
  return !status.trackers.some((one) => one.holder === tracker.holder && one.shard !== null && one.silent_since === null);
}

export function groupsTable(status) {
  const rows = status.groups.map((one) =>
    row(`${one.of}/${one.name}`, "good", [
      one.name,
      texts.reads[one.of],
      count(one.members),
      one.read_ago_s === null ? texts.never : texts.ago(lasting(one.read_ago_s)),
      one.unread_s === null ? unknown : lasting(one.unread_s),
      count(one.behind),
      count(one.pending),
    ]),
  );
  return table("groups", rows, status.hidden.includes("groups"));
}

function row(key, tone, cells) {
  return { key, rank: RANKS[tone], cells };
}

function table(name, rows, hidden) {
  const columns = texts.tableColumns[name];
  const sorted = rows.sort((one, other) => one.rank - other.rank || one.key.localeCompare(other.key, undefined, { numeric: true }));
  const head = el("header", { class: "card-head" }, el("h2", { id: `fleet-${name}` }, texts.tables[name]), el("span", { class: "badge plain" }, count(rows.length)));
  if (!rows.length) return section(name, head, el("p", { class: "table-empty" }, hidden ? texts.unseen : texts.noRows[name]));
  const shown = el(
    "table",
    { class: "table" },
    el("thead", {}, el("tr", {}, columns.map(([title, kind]) => el("th", { scope: "col", class: kind }, title)))),
    el("tbody", {}, sorted.slice(0, MOST).map((one) => line(one, columns))),
  );
  const wrap = el("div", { class: "table-wrap", tabindex: "0", role: "group", "aria-labelledby": `fleet-${name}` }, shown);
  return section(name, head, wrap, sorted.length > MOST && el("p", { class: "table-empty" }, texts.more(count(sorted.length - MOST))));
}

function section(name, ...inside) {
  return el("section", { class: `card fleet-table is-${name}`, "aria-labelledby": `fleet-${name}`, "data-key": name }, inside);
}

function line({ key, rank, cells }, columns) {
  return el("tr", { "data-key": key, class: rank ? null : "fleet-wrong" }, cells.map((cell, at) => el("td", { class: columns[at][1] }, cell)));
}

function badge(state, tone) {
  return el("span", { class: `badge ${tone}` }, state);
}

function busy(share) {
  const fill = el("span", { class: share > 0.8 ? "full" : null, style: { width: `${Math.min(100, share * 100)}%` } });
  return el("span", { class: "fleet-busy" }, el("span", { class: "meter", "aria-hidden": "true" }, fill), percent(share));
}
