// What happened in front of a camera, the newest first.

import { ApiError, get } from "../core/api.js";
import { el, fill } from "../core/dom.js";
import { sign } from "../core/emotions.js";
import { clock, lasting } from "../core/times.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.camera;
const MOST = 100;

/** {node, add}: events of the past are asked for at once, `add` takes those that come. */
export function eventList(camera, signal) {
  const node = el("ol", { class: "events", tabindex: "0", "aria-label": texts.events });
  const known = new Set();
  let empty = true;
  fill(node, el("li", { class: "table-empty" }, TEXTS.common.loading));
  past();
  return { node, add };

  async function past() {
    try {
      const { events } = await get(`/api/history?camera=${encodeURIComponent(camera)}&limit=${MOST}`, { signal });
      for (const event of [...events].sort((one, other) => one.at - other.at)) add(event);
      if (empty) fill(node, el("li", { class: "table-empty" }, texts.noEvents));
    } catch (error) {
      if (error instanceof ApiError && empty) fill(node, el("li", { class: "table-empty" }, error.message));
    }
  }

  function add(event) {
    if (known.has(event.event_id)) return;
    known.add(event.event_id);
    if (empty) fill(node);
    empty = false;
    const line = row(event);
    line.at = event.at;
    const after = [...node.children].find((other) => other.at <= event.at);
    node.insertBefore(line, after ?? null);
    while (node.childElementCount > MOST) node.lastElementChild.remove();
    if (known.size > 10 * MOST) known.clear();
  }
}

function row(event) {
  return el(
    "li",
    { class: "event", dataset: { kind: event.kind } },
    el("time", { class: "muted", datetime: new Date(event.at * 1000).toISOString() }, clock(event.at)),
    sign(event.emotion),
    el("span", {}, el("span", { class: "event-track" }, `#${event.track}`), " ", told(event)),
  );
}

/** `changed from neutral to happiness` */
export function told(event) {
  if (event.kind === "changed") return texts.changed(event.before, event.emotion);
  if (event.kind === "appeared") return texts.appeared(event.emotion);
  if (event.kind === "left") return texts.gone(lasting(event.duration), event.emotion);
  return texts.alert(event.rule ?? "");
}
