// Every camera at a glance.

import { el, fill } from "../core/dom.js";
import { TEXTS } from "../texts.js";

export function mount(root) {
  fill(root, el("div", { class: "page" }, el("h1", {}, TEXTS.wall.title)));
}
