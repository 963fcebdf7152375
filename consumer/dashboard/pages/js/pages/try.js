// Try: one's own camera, or a picture or clip of one's own, answered by the same workers as every camera.

import { el } from "../core/dom.js";
import { TEXTS } from "../texts.js";
import { cameraPanel } from "../try/camera_panel.js";
import { uploadPanel } from "../try/upload_panel.js";

const texts = TEXTS.try;

export function mount(root, { session, params }) {
  const panels = [cameraPanel(session, { measure: params.query.get("measure") === "1" }), uploadPanel(session)];
  root.append(el("div", { class: "page try" }, el("header", { class: "page-head" }, el("h1", {}, texts.title)), el("p", { class: "lead" }, texts.lead), panels.map((panel) => panel.node)));
  return () => panels.forEach((panel) => panel.close());
}
