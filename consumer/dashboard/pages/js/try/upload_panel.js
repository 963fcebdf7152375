// The panel of a picture or a short clip: drop it or choose it, see it go, see what was found.

import { el, fill, say } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { bytes } from "../shared/numbers.js";
import { TEXTS } from "../texts.js";
import { analysisView } from "./analysis_view.js";
import { mediaOf } from "./media.js";
import { analyze, MAX_BYTES, typeOf } from "./upload.js";

const texts = TEXTS.try;

/** {node, close}. */
export function uploadPanel(session) {
  const chooser = el("input", { class: "visually-hidden", id: "try-file", type: "file", accept: "image/jpeg,image/png,image/webp,video/*", onchange: () => take(chooser.files[0]) });
  const zone = el(
    "label",
    { class: "try-drop", for: "try-file", ondragover: over, ondragleave: () => zone.classList.remove("is-over"), ondrop: drop },
    icon("upload"),
    el("strong", {}, texts.drop),
    el("span", { class: "muted" }, texts.dropLimits),
  );
  const shown = el("div", { class: "try-found" });
  const node = el("section", { class: "card", "aria-labelledby": "try-upload-title" }, el("header", { class: "card-head" }, el("h2", { id: "try-upload-title" }, texts.upload)), el("div", { class: "card-body stack" }, chooser, zone, shown));
  let media = null;
  let running = null;
  return { node, close };

  function close() {
    running?.abort();
    media?.close();
    media = null;
  }

  function over(event) {
    event.preventDefault();
    zone.classList.add("is-over");
  }

  function drop(event) {
    event.preventDefault();
    zone.classList.remove("is-over");
    take(event.dataTransfer.files[0]);
  }

  async function take(file) {
    if (!file) return;
    close();
    if (file.size > MAX_BYTES) return refuse(texts.tooLarge(bytes(file.size)));
    running = new AbortController();
    const mine = running;
    try {
      const answer = await analyze(file, session, progressOf(file), mine.signal);
      const made = await mediaOf(file, typeOf(file), answer.frames[0] ?? {});
      if (mine.signal.aborted) return made.close();
      media = made;
      if (!answer.frames.length) return refuse(texts.noFrames);
      fill(shown, analysisView(answer, media, file.name));
    } catch (error) {
      if (error.name !== "AbortError") refuse(error.message, error);
    } finally {
      chooser.value = ""; // the same file may be tried again
    }
    return undefined;
  }

  function progressOf(file) {
    const bar = el("progress", { max: "1", "aria-label": texts.sending(file.name) });
    const said = el("span", { role: "status" }, texts.sending(file.name));
    fill(shown, el("div", { class: "try-progress" }, said, bar));
    return (share) => {
      if (share !== null) bar.value = share;
      else bar.removeAttribute("value");
      if (share === null) say(said, texts.looking(file.name));
    };
  }

  function refuse(words, error = {}) {
    const wait = error.retryAfter && texts.retry(error.retryAfter);
    const more = texts.refusals[error.status];
    fill(shown, el("div", { class: "notice bad", role: "alert" }, el("div", { class: "try-trouble" }, el("strong", {}, more ?? texts.problem), el("p", {}, words), wait && el("p", {}, wait))));
  }
}
