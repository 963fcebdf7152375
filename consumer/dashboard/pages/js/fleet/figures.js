// The row of figures: frames in and out, age, what waits, Redis's memory, dead letters.

import { sparkline } from "../core/charts.js";
import { el } from "../core/dom.js";
import { percent } from "../core/emotions.js";
import { latency } from "../core/times.js";
import { bytes, count, rate } from "../shared/numbers.js";
import { TEXTS } from "../texts.js";
import { worstAge } from "./history.js";

const texts = TEXTS.fleet;
const unknown = TEXTS.common.unknown;
const LINE = { width: 240, height: 32 };

/** The section of figures of the newest look, with the `history` before it. */
export function figuresSection(status, history) {
  return el(
    "section",
    { class: "fleet-figures", "aria-label": texts.figures, "data-key": "figures" },
    flow(texts.framesIn, status.rates?.captured, history, "captured"),
    flow(texts.framesOut, status.rates?.published, history, "published"),
    age(status, history),
    waiting(status, history),
    memory(status),
    dead(status.account),
  );
}

function figure(name, value, unit, ...below) {
  const number = el("span", { class: "value" }, value, unit && el("span", { class: "unit" }, unit));
  return el("div", { class: "card stat" }, el("span", { class: "label" }, name), number, below);
}

function line(history, name, label) {
  const drawing = sparkline(history.of(name), { ...LINE, label: texts.lastMinutes(label) });
  drawing.setAttribute("preserveAspectRatio", "none");
  return drawing;
}

function flow(label, now, history, name) {
  const most = Math.max(...history.of(name).map((value) => value ?? 0));
  return figure(label, rate(now), texts.aSecond, line(history, name, label), note(texts.most(rate(most))));
}

/** Of the camera whose results come latest: percentiles of several cameras cannot be added up. */
function age(status, history) {
  const worst = worstAge(status);
  if (!worst) return figure(texts.age, unknown, "", note(texts.noResults));
  const others = texts.ages(latency(worst.age_p50_s), latency(worst.age_p99_s), worst.camera_id);
  return figure(texts.age, latency(worst.age_p95_s), texts.p95, line(history, "age", texts.age), note(others));
}

function waiting({ account, oldest_waiting_s }, history) {
  if (!account) return figure(texts.waiting, unknown, "", note(texts.unseen));
  const oldest = account.in_flight && oldest_waiting_s !== null ? texts.oldest(latency(oldest_waiting_s)) : texts.noneWaits;
  return figure(texts.waiting, count(account.in_flight), texts.frames, line(history, "waiting", texts.waiting), note(oldest));
}

function memory({ server, shards }) {
  if (!server) return figure(texts.memory, unknown, "", note(texts.unseen));
  const about = [server.version, server.policy, shards > 1 && texts.shards(shards)].filter(Boolean);
  if (!server.max_bytes) return figure(texts.memory, bytes(server.used_bytes), texts.noLimit, note(about.join(", ")));
  const share = server.used_bytes / server.max_bytes;
  const fill = el("span", { class: share >= 0.9 ? "full" : null, style: { width: `${Math.min(100, share * 100)}%` } });
  const bar = el("div", { class: "meter", "aria-hidden": "true" }, fill);
  const used = texts.of(percent(share), bytes(server.max_bytes));
  return figure(texts.memory, bytes(server.used_bytes), "", bar, note([used, ...about].join(", ")));
}

function dead(account) {
  if (!account) return figure(texts.deadLetters, unknown, "", note(texts.unseen));
  const reasons = Object.entries(account.dead).filter(([, number]) => number);
  const total = reasons.reduce((sum, [, number]) => sum + number, 0);
  const listed = reasons.map(([reason, number]) => `${reason} ${count(number)}`).join(", ");
  return figure(texts.deadLetters, count(total), texts.frames, note(listed || texts.noDead));
}

function note(text) {
  return el("span", { class: "fleet-note" }, text);
}
