// Cameras (for administrators): added, changed, tried and removed; written back to the file that the producer reads.

import { cameraForm } from "../cameras/camera_form.js";
import { cameraList } from "../cameras/camera_list.js";
import { el, fill, say } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { patchChildren } from "../shared/patch.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.cameras;

export function mount(root, { live, api, session, params }) {
  const leaving = new AbortController();
  const add = el("button", { class: "button primary", type: "button", onclick: () => open(null) }, icon("add"), texts.add);
  const file = el("span", { class: "muted" });
  const said = el("p", { class: "notice good", role: "status", hidden: true });
  const list = el("div", {});
  const editor = el("div", {});
  const page = el("div", { class: "page cameras" }, el("header", { class: "page-head" }, el("h1", {}, texts.title), file, el("div", { class: "aside" }, add)), said);
  let config = null;
  let chosen = params.query.get("camera") ?? undefined;
  root.append(page);
  if (!session.cameras_editable) {
    add.remove();
    page.append(el("div", { class: "empty" }, icon("cameras"), el("h2", {}, texts.notHere), el("p", {}, texts.notHereWhy), el("code", { class: "command" }, "fer-dashboard run --cameras cameras.yaml")));
    return undefined;
  }
  page.append(el("div", { class: "cameras-columns" }, el("section", { class: "card", "aria-label": texts.title }, list), editor));
  live.on("status", showList, leaving.signal);
  load();
  return () => leaving.abort();

  async function load() {
    try {
      config = await api.get("/api/config/cameras");
    } catch (error) {
      fill(list, el("p", { class: "notice bad", role: "alert" }, error.message));
      return;
    }
    say(file, texts.writtenTo(config.file));
    showList();
    if (chosen && config.cameras.some((camera) => camera.name === chosen)) open(chosen);
    else if (!editor.firstChild) hint();
  }

  function showList() {
    if (!config) return;
    const made = el("div", {}, cameraList(config.cameras, live.status, chosen, open));
    // Listeners stay with their buttons: those are made anew where the cameras are others.
    const names = JSON.stringify(config.cameras);
    if (list.dataset.cameras === names) patchChildren(list, made);
    else list.replaceChildren(...made.childNodes);
    list.dataset.cameras = names;
  }

  function open(name) {
    chosen = name;
    said.hidden = true;
    const camera = name === null ? null : config.cameras.find((one) => one.name === name);
    const form = cameraForm(api, camera, config, { done, cancel });
    fill(editor, form.node);
    showList();
    if (name === null) form.name.focus();
    else form.node.querySelector("input:not([readonly])").focus({ preventScroll: window.innerWidth > 900 });
  }

  function cancel() {
    chosen = undefined;
    hint();
    showList();
    add.focus();
  }

  async function done(words) {
    cancel();
    await load();
    say(said, words);
    said.hidden = false;
  }

  function hint() {
    fill(editor, el("div", { class: "card empty" }, icon("cameras"), el("p", {}, texts.choose)));
  }
}
