// What the workers found in a file: the picture with its boxes, every face with its probabilities, the frames of a clip, the JSON.

import { el, fill, say } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { latency } from "../core/times.js";
import { count } from "../shared/numbers.js";
import { pretty } from "../shared/pretty.js";
import { TEXTS } from "../texts.js";
import { facesList } from "./faces_list.js";
import { pictureStage } from "./stage.js";

const texts = TEXTS.try;

/** The view of an answer of /api/analyze; `media` is the file as `mediaOf` gives it. */
export function analysisView(answer, media, name) {
  const { frames } = answer;
  const stage = pictureStage(texts.uploadPicture(name));
  const faces = el("div", {});
  const where = el("output", { class: "muted" });
  const slider = el("input", { class: "try-scrub", type: "range", min: "0", max: `${frames.length - 1}`, step: "1", value: "0", "aria-label": texts.scrub, oninput: () => show(slider.valueAsNumber) });
  const step = (by, label, sign) => el("button", { class: "button icon", type: "button", "aria-label": label, onclick: () => show(slider.valueAsNumber + by) }, sign);
  const scrub = frames.length > 1 && el("div", { class: "try-frames" }, step(-1, texts.before, "‹"), slider, step(1, texts.after, "›"), where);
  let turn = 0;
  const node = el(
    "div",
    { class: "stack" },
    el("p", { class: "muted", role: "status" }, texts.analyzed(name, count(frames.length), latency(answer.seconds))),
    el("div", { class: "try-live" }, el("div", { class: "try-shown" }, stage.node, scrub), el("div", { class: "try-side" }, faces)),
    json(answer),
  );
  queueMicrotask(() => show(0));
  return node;

  async function show(index) {
    const at = Math.min(Math.max(index, 0), frames.length - 1);
    const mine = ++turn;
    slider.value = at;
    const frame = frames[at];
    slider.setAttribute("aria-valuetext", texts.frameOf(at + 1, frames.length));
    say(where, frame.media_time === null ? texts.frameOf(at + 1, frames.length) : `${texts.frameOf(at + 1, frames.length)} · ${frame.media_time.toFixed(2)} s`);
    const picture = await media.at(frame);
    if (mine !== turn) return;
    stage.show(picture, frame);
    fill(faces, facesList(frame.faces));
  }
}

function json(answer) {
  const text = pretty(answer);
  const button = el("button", { class: "button", type: "button", onclick: copy }, texts.copy);
  return el(
    "details",
    { class: "try-json" },
    el("summary", {}, texts.json),
    el("div", { class: "toolbar" }, button, el("button", { class: "button", type: "button", onclick: save }, icon("download"), texts.save)),
    el("pre", { class: "json", tabindex: "0", "aria-label": texts.json }, text),
  );

  function save() {
    const href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    el("a", { download: "faces.json", href }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      say(button, texts.copied);
    } catch {
      say(button, texts.notCopied);
    }
    setTimeout(() => say(button, texts.copy), 2000);
  }
}
