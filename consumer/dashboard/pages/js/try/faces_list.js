// What was found, face by face: the name, and the probability of each emotion as a bar.

import { el } from "../core/dom.js";
import { colourOf, emotion, EMOTIONS, percent } from "../core/emotions.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.try;

/** A list of faces; a line of words where there are none. */
export function facesList(faces) {
  if (!faces.length) return el("p", { class: "table-empty" }, texts.noFaces);
  return el("ol", { class: "stack" }, faces.map(one));
}

function one(face, at) {
  const about = texts.face(at + 1, percent(face.score), percent(face.quality));
  const head = el("div", { class: "try-face-head" }, emotion(face.emotion), face.confidence !== null && el("strong", {}, percent(face.confidence)), el("span", { class: "muted" }, about));
  const rows = EMOTIONS.map((name, index) => [el("dt", {}, emotion(name)), el("dd", {}, bar(name, face.probabilities[index]), percent(face.probabilities[index]))]);
  return el("li", {}, head, el("dl", { class: "try-probabilities" }, rows));
}

function bar(name, share) {
  return el("span", { class: "meter", "aria-hidden": "true" }, el("span", { style: { width: `${share * 100}%`, backgroundColor: colourOf(name) } }));
}
