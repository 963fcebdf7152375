// One camera: its name, its address, its settings, and what lies where on its picture; tried before it is saved.

import { el, fill, say } from "../core/dom.js";
import { TEXTS } from "../texts.js";
import { settingsFields } from "./settings_fields.js";
import { shapesEditor } from "./shapes_editor.js";

const texts = TEXTS.cameras;

/**
 * The form of a camera, or of a new one (null), in an answer of /api/config/cameras: the settings that there are, and the version of
 * the file. `done(words)` is called when it was saved or removed, `cancel()` when it is not wanted any more.
 */
export function cameraForm(api, camera, { settings: known, version }, { done, cancel }) {
  const fresh = camera === null;
  const name = el("input", { class: "input", id: "camera-name", name: "camera", required: true, maxlength: "128", autocomplete: "off", value: camera?.name ?? "", readonly: !fresh });
  const url = el("input", { class: "input mono", id: "camera-url", name: "url", required: fresh, autocomplete: "off", spellcheck: "false", placeholder: fresh ? texts.urlExample : camera.url });
  const settings = settingsFields(known, camera?.settings ?? {});
  const shapes = shapesEditor({ mask: camera?.settings.mask, region: camera?.settings.region });
  const found = el("div", { class: "toolbar", role: "status" });
  const problem = el("p", { class: "notice bad", role: "alert", hidden: true });
  const buttons = {
    save: el("button", { class: "button primary", type: "submit" }, texts.save),
    check: el("button", { class: "button", type: "button", onclick: check }, texts.check),
    cancel: el("button", { class: "button quiet", type: "button", onclick: cancel }, texts.cancel),
    remove: !fresh && el("button", { class: "button danger aside", type: "button", onclick: askRemove }, texts.remove),
  };
  const form = el(
    "form",
    { class: "card cameras-form", "aria-labelledby": "camera-form-title", onsubmit: save },
    el("header", { class: "card-head" }, el("h2", { id: "camera-form-title" }, fresh ? texts.newCamera : camera.name)),
    el(
      "div",
      { class: "card-body stack" },
      el("div", { class: "cameras-where" }, field("name", name, texts.name, fresh ? texts.nameHint : texts.nameFixed), field("url", url, texts.url, fresh ? texts.urlHint : texts.urlKept)),
      el("div", { class: "toolbar" }, buttons.check, found),
      el("fieldset", { class: "cameras-shapes" }, el("legend", {}, texts.shapes), shapes.node),
      el("details", { open: !fresh && hasOwn(camera.settings) }, el("summary", {}, texts.settingsTitle), settings.node),
      problem,
      el("div", { class: "toolbar cameras-buttons" }, buttons.save, buttons.cancel, buttons.remove),
    ),
  );
  return { node: form, name };

  function given() {
    const { mask, region } = shapes.value();
    const drawn = { ...(mask.length ? { mask } : {}), ...(region ? { region } : {}) };
    return { ...(url.value.trim() ? { url: url.value.trim() } : {}), settings: { ...settings.value(), ...drawn } };
  }

  async function check() {
    if (!ready()) return;
    const answer = await ask(texts.checking, () => api.send("POST", "/api/config/check", { name: name.value, ...given() }));
    if (!answer) return;
    if (answer.picture) shapes.showPicture(answer.picture);
    if (answer.problem) return tell(answer.problem, "url");
    fill(found, el("span", { class: "badge good" }, texts.works), el("span", { class: "muted" }, texts.seen(answer)));
  }

  async function save(event) {
    event.preventDefault();
    if (!ready()) return;
    const saved = await ask(texts.saving, () => api.send("PUT", `/api/config/cameras/${encodeURIComponent(name.value)}`, { ...given(), new: fresh, version }).then((answer) => answer ?? true));
    if (saved) done(texts.saved(name.value));
  }

  function askRemove() {
    const dialog = el(
      "dialog",
      { class: "dialog", "aria-labelledby": "remove-title", onclose: () => dialog.remove() },
      el(
        "form",
        { method: "dialog", onsubmit: (event) => event.submitter.value === "remove" && remove() },
        el("h2", { id: "remove-title" }, texts.removeTitle(camera.name)),
        el("p", {}, texts.removeWhat),
        el("div", { class: "buttons" }, el("button", { class: "button", value: "keep", autofocus: true }, texts.keep), el("button", { class: "button danger", value: "remove" }, texts.remove)),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  }

  async function remove() {
    const removed = await ask(texts.removing, () => api.send("DELETE", `/api/config/cameras/${encodeURIComponent(camera.name)}`).then((answer) => answer ?? true));
    if (removed) done(texts.removed(camera.name));
  }

  /** What the browser itself can say of the fields; a field in the closed part has to be seen for that. */
  function ready() {
    if (form.querySelector("details :invalid")) form.querySelector("details").open = true;
    return form.reportValidity();
  }

  async function ask(words, request) {
    for (const button of Object.values(buttons)) if (button) button.disabled = true;
    clear();
    fill(found, el("span", { class: "muted" }, words));
    try {
      return await request();
    } catch (error) {
      tell(error.message, fieldOf(error.message));
      return null;
    } finally {
      for (const button of Object.values(buttons)) if (button) button.disabled = false;
      if (found.textContent === words) fill(found);
    }
  }

  /** Beside the field that an error is about, or at the end of the form. */
  function tell(words, about) {
    const place = about && form.querySelector(`[data-field="${CSS.escape(about)}"]`);
    if (!place) {
      say(problem, words);
      problem.hidden = false;
      return;
    }
    place.closest("details")?.setAttribute("open", "");
    say(place.querySelector(".error"), words);
    const input = place.querySelector("input, select");
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  function clear() {
    problem.hidden = true;
    for (const error of form.querySelectorAll(".error")) say(error, "");
    for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  }

  /** Messages begin with the name of their setting; a name's or an address's say which in words. */
  function fieldOf(message) {
    const named = Object.keys(known).find((setting) => new RegExp(`\\b${setting}\\b`).test(message));
    if (named) return named;
    if (/\bname\b/.test(message)) return "name";
    return /\b(url|address|scheme)\b/i.test(message) ? "url" : null;
  }
}

function hasOwn(settings) {
  return Object.keys(settings).some((name) => !["mask", "region"].includes(name));
}

function field(name, input, label, hint) {
  const id = input.id;
  input.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  return el("div", { class: "field", "data-field": name }, el("label", { for: id }, label), input, el("span", { class: "hint", id: `${id}-hint` }, hint), el("span", { class: "error", id: `${id}-error`, role: "alert" }));
}
