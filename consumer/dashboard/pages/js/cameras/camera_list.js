// The cameras of cameras.yaml, with what the producer says of each.

import { conditionOf } from "../core/condition.js";
import { el } from "../core/dom.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.cameras;

/** The list; `status` is the newest status or null, `open(name)` is called with the camera that somebody wants to change. */
export function cameraList(cameras, status, chosen, open) {
  if (!cameras.length) return el("p", { class: "table-empty" }, texts.noCameras);
  return el("ul", { class: "cameras-list" }, cameras.map((camera) => item(camera, status, chosen, open)));
}

function item({ name, url, settings }, status, chosen, open) {
  const seen = status?.cameras.find((one) => one.camera_id === name);
  const { tone, badge: state } = seen ? conditionOf(seen) : { tone: "", badge: texts.notSeen };
  const own = Object.keys(settings);
  return el(
    "li",
    { "data-key": name },
    el(
      "button",
      { class: "cameras-item", type: "button", "aria-current": name === chosen ? "true" : null, onclick: () => open(name) },
      el("span", { class: "cameras-name" }, el("strong", {}, name), el("span", { class: `badge ${tone}` }, state)),
      el("span", { class: "mono muted cameras-url" }, url),
      seen?.problem && el("span", { class: "cameras-problem" }, seen.problem),
      own.length > 0 && el("span", { class: "muted" }, texts.own(own.map((setting) => texts.settings[setting] ?? setting).join(", "))),
    ),
  );
}
