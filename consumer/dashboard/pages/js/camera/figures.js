// Numbers of a camera: how fast, how late, and the frames that were not computed.

import { sparkline } from "../core/charts.js";
import { el, fill, mark, say } from "../core/dom.js";
import { clock, latency } from "../core/times.js";
import { patchChildren } from "../shared/patch.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.camera;
const SAMPLES = 120;

/** {node, show}: latency from capture to result, of the last minute, and how it went while the page was open. */
export function latencyCard() {
  const values = { p50: figure("p50"), p95: figure("p95"), p99: figure("p99"), rate: figure(texts.rate) };
  const line = el("div", { class: "latency-line" });
  const past = [];
  const node = el("div", { class: "card-body stack" }, el("div", { class: "stats" }, Object.values(values).map((one) => one.node)), line);
  return {
    node,
    show(figures) {
      for (const name of ["p50", "p95", "p99"]) say(values[name].value, latency(figures?.[`age_${name}_s`]));
      say(values.rate.value, figures ? figures.results_per_second.toFixed(1) : "–");
      past.push(figures?.age_p95_s ?? null);
      if (past.length > SAMPLES) past.shift();
      if (past.filter((value) => value !== null).length > 4) fill(line, sparkline(past, { width: 320, height: 96, label: texts.latencyPast }), el("span", { class: "muted" }, texts.latencyPast));
    },
  };
}

function figure(label) {
  const value = el("span", { class: "value" }, "–");
  return { value, node: el("div", { class: "stat" }, el("span", { class: "label" }, label), value) };
}

/** {node, show}: what its producer says of the camera. */
export function factsCard() {
  const node = el("dl", { class: "facts card-body" });
  let shown = "";
  return {
    node,
    show(status) {
      const facts = status ? factsOf(status) : [[texts.state, texts.noStatus]];
      const key = JSON.stringify(facts);
      if (key === shown) return;
      shown = key;
      fill(node, facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
    },
  };
}

function factsOf(status) {
  return [
    [texts.size, status.width ? `${status.width} × ${status.height}` : "–"],
    [texts.captured, texts.perSecond(status.frames_per_second.toFixed(1))],
    [texts.lastFrame, status.last_frame_at ? clock(status.last_frame_at) : texts.never],
    [texts.reconnects, String(status.reconnects)],
    [texts.waiting, texts.megabytes((status.waiting_bytes / 1e6).toFixed(1))],
    [texts.producer, status.holder],
    [texts.source, status.url],
  ];
}

/** {node, show}: frames of the whole deployment that have no result, by reason. */
export function dropsCard() {
  const body = el("div", {});
  let shown = "";
  return {
    node: body,
    show({ account, rates }) {
      const key = JSON.stringify([account, rates]);
      if (key === shown) return;
      shown = key;
      patchChildren(body, el("div", {}, account ? dropsTable(account, rates) : el("p", { class: "table-empty" }, texts.noAccount)));
    },
  };
}

function dropsTable(account, rates) {
  const rows = [
    ["expired", account.expired, rates?.expired],
    ...Object.entries(account.dropped).map(([reason, number]) => [reason, number, rates?.dropped[reason]]),
    ...Object.entries(account.dead).map(([reason, number]) => [`dead: ${reason}`, number, rates?.dead[reason]]),
  ].filter(([, number]) => number > 0);
  if (!rows.length) return el("p", { class: "table-empty" }, texts.noDrops);
  const most = Math.max(...rows.map(([, number]) => number));
  rows.sort(([, one], [, other]) => other - one);
  return el(
    "table",
    { class: "table" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, texts.reason), el("th", { scope: "col", class: "number" }, texts.frames), el("th", { scope: "col", class: "number" }, texts.nowRate))),
    el("tbody", {}, rows.map((row) => dropRow(row, most))),
  );
}

function dropRow([reason, number, rate], most) {
  const meter = el("div", { class: "meter" }, el("span", { style: { width: `${(100 * number) / most}%` } }));
  const cell = el("td", {}, el("div", {}, reason), el("div", { class: "muted drop-why" }, texts.reasons[reason] ?? ""), meter);
  mark(cell, "class", "drop-reason");
  return el("tr", {}, cell, el("td", { class: "number" }, number.toLocaleString()), el("td", { class: "number" }, rate ? rate.toFixed(1) : "0"));
}
