// The measured delay from capture to drawing, and each stage's share of it.

import { el, fill } from "../core/dom.js";
import { latency } from "../core/times.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.try;
const MEASURED = 100;
const SERVER_STAGES = ["queue", "decode", "detect", "classify", "publish", "server"];
const STAGES = ["camera", "encode", "network", ...SERVER_STAGES, "draw"];

/** The stages of one frame, in seconds, by name: they add up to the delay. */
export function stagesOf({ frame, result, receivedAt }, drawnAt) {
  const told = Object.fromEntries(SERVER_STAGES.map((name) => [name, result.seconds?.[name] ?? 0]));
  const away = (receivedAt - frame.sentAt) / 1000;
  const inside = Object.values(told).reduce((sum, one) => sum + one, 0);
  return {
    camera: (frame.seenAt - frame.capturedAt) / 1000,
    encode: (frame.sentAt - frame.seenAt) / 1000,
    network: Math.max(0, away - inside),
    ...told,
    draw: (drawnAt - receivedAt) / 1000,
  };
}

/** The last hundred delays. */
export class Delays {
  #kept = [];

  add(stages) {
    this.#kept.push({ total: Object.values(stages).reduce((sum, one) => sum + one, 0), stages });
    if (this.#kept.length > MEASURED) this.#kept.shift();
  }

  clear() {
    this.#kept = [];
  }

  /** Seconds that a share of them does not exceed; null where nothing was measured. */
  percentile(share) {
    const totals = this.#kept.map((one) => one.total).sort((one, other) => one - other);
    return totals.length ? totals[Math.min(totals.length - 1, Math.floor(share * totals.length))] : null;
  }

  /** The mean of each stage, in seconds. */
  means() {
    return STAGES.map((name) => [name, this.#kept.reduce((sum, one) => sum + one.stages[name], 0) / Math.max(1, this.#kept.length)]);
  }
}

/** The figures and the bar: {node, show(delays)}. */
export function delayView() {
  const [median, high] = [el("span", { class: "value" }), el("span", { class: "value" })];
  const bar = el("div", { class: "try-stages", "aria-hidden": "true" });
  const list = el("dl", { class: "try-stage-list" });
  const stat = (label, value) => el("div", { class: "stat" }, el("span", { class: "label" }, label), value);
  const node = el("section", { class: "stack", "aria-label": texts.delay }, el("div", { class: "stats" }, stat(texts.delayP50, median), stat(texts.delayP95, high)), bar, list);
  return { node, show };

  function show(delays) {
    fill(median, latency(delays.percentile(0.5)));
    fill(high, latency(delays.percentile(0.95)));
    const means = delays.means().filter(([, seconds]) => seconds > 0);
    fill(bar, means.map(([name, seconds]) => el("span", { class: `try-stage ${name}`, style: { flexGrow: `${seconds * 1000}` } })));
    fill(list, means.map(([name, seconds]) => el("div", {}, el("dt", {}, el("span", { class: `try-stage ${name}`, "aria-hidden": "true" }), texts.stages[name]), el("dd", {}, latency(seconds)))));
  }
}
