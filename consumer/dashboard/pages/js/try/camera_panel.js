// The panel of the browser's camera: asks, explains, shows each answer on its own frame, and says how long that took.

import { el, fill, mark, prose, say } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { lasting } from "../core/times.js";
import { TEXTS } from "../texts.js";
import { BrowserCamera, meaningOf, obstacle } from "./browser_camera.js";
import { Delays, delayView, stagesOf } from "./delays.js";
import { facesList } from "./faces_list.js";
import { pictureStage } from "./stage.js";

const texts = TEXTS.try;
/** No answer for so long is said over the picture, which is then a picture of the past. */
const LATE_MS = 2000;

/** {node, close}. `measure` keeps every delay in window.ferTry, for tests and benchmarks. */
export function cameraPanel(session, { measure = false } = {}) {
  const delays = new Delays();
  const view = delayView();
  const stage = pictureStage(texts.cameraPicture);
  const over = el("p", { class: "try-over", role: "status" });
  const faces = el("div", { class: "try-live-faces" });
  const mirror = el("input", { type: "checkbox", checked: true });
  const stopButton = el("button", { class: "button", type: "button", onclick: () => idle() }, icon("close"), texts.stop);
  const state = el("span", { class: "badge" });
  const body = el("div", { class: "card-body" });
  const node = el("section", { class: "card try-camera", "aria-labelledby": "try-camera-title" }, el("header", { class: "card-head" }, el("h2", { id: "try-camera-title" }, texts.camera), state), body);
  let camera = null;
  let answeredAt = 0;
  let shownAt = 0;
  let dropped = "";
  const watch = setInterval(lookLate, 500);
  if (measure) window.ferTry = { delays: [], stages: [], mismatches: 0, drawn: 0, faces: [] };
  idle();
  return {
    node,
    close() {
      clearInterval(watch);
      camera?.stop();
    },
  };

  function idle(problem = "", words = "") {
    camera?.stop();
    camera = null;
    badge("", texts.off);
    const hindered = session.role === "watcher" ? "role" : session.browser_camera ? obstacle() : "off";
    const [title, ...lines] = texts.obstacles[problem || hindered] ?? [];
    const name = el("input", { class: "input", name: "name", id: "try-name", maxlength: "40", autocomplete: "off", placeholder: texts.namePlaceholder });
    const form = el(
      "form",
      { class: "stack", onsubmit: (event) => begin(event, name.value.trim()) },
      el("p", { class: "lead" }, texts.explains),
      el("div", { class: "field try-name" }, el("label", { for: "try-name" }, texts.nameLabel), name),
      el("button", { class: "button primary try-big", type: "submit", disabled: Boolean(hindered) }, icon("try"), texts.useCamera),
    );
    const trouble = (title || words) && el("div", { class: "notice bad", role: "alert" }, el("div", { class: "try-trouble" }, el("strong", {}, title ?? texts.problem), words && el("p", {}, words), lines.map((line) => el("p", {}, prose(line)))));
    fill(body, el("div", { class: "stack" }, trouble, form));
  }

  async function begin(event, name) {
    event.preventDefault();
    const mine = new BrowserCamera();
    camera = mine;
    delays.clear();
    [answeredAt, shownAt, dropped] = [0, 0, ""];
    badge("warn", texts.asking);
    fill(body, el("p", { class: "try-wait", role: "status" }, texts.allow));
    mine.addEventListener("started", ({ detail }) => running(detail.camera));
    mine.addEventListener("answer", ({ detail }) => take(mine, detail));
    mine.addEventListener("dropped", ({ detail }) => (dropped = detail.why));
    mine.addEventListener("refused", ({ detail }) => idle("refused", detail.why));
    for (const end of ["gone", "ended"]) mine.addEventListener(end, () => mine === camera && idle(end));
    try {
      await mine.start(name);
    } catch (error) {
      if (mine === camera) idle(meaningOf(error), error.message);
    }
  }

  function running(name) {
    badge("good", name);
    stage.clear();
    view.show(delays);
    shownAt = performance.now();
    say(over, texts.waiting);
    over.hidden = false;
    const controls = el("div", { class: "toolbar" }, stopButton, el("label", { class: "check" }, mirror, texts.mirror));
    fill(body, el("div", { class: "try-live" }, el("div", { class: "try-shown" }, stage.node, over, controls), el("div", { class: "stack try-side" }, view.node, faces)));
    stopButton.focus();
  }

  /** Drawn with the screen's next frame; the delay ends when that was done. */
  function take(from, answer) {
    requestAnimationFrame(() => {
      if (from !== camera) return;
      stage.show(answer.frame.bitmap, answer.result, { mirrored: mirror.checked });
      const drawnAt = performance.now();
      const stages = stagesOf(answer, drawnAt);
      delays.add(stages);
      answeredAt = drawnAt;
      over.hidden = true;
      if (measure) note(from, answer, drawnAt, stages);
      if (drawnAt - shownAt > 250) showNumbers(answer, drawnAt);
    });
  }

  /** Four times a second: numbers that change faster are not read. */
  function showNumbers({ result }, now) {
    shownAt = now;
    view.show(delays);
    fill(faces, facesList(result.faces));
    const seen = result.faces.map((face) => face.emotion).join(", ") || texts.noFaces;
    mark(stage.canvas, "aria-label", `${texts.cameraPicture}: ${seen}`);
  }

  function lookLate() {
    if (!camera || !over.isConnected) return;
    const silentFor = performance.now() - (answeredAt || shownAt);
    if (silentFor < LATE_MS) return;
    const words = `${texts.noAnswer(lasting(silentFor / 1000))} ${dropped ? texts.because(dropped) : ""}`;
    if (over.firstChild?.data !== words) fill(over, words, el("a", { href: "/fleet" }, texts.noAnswerDo));
    over.hidden = false;
  }

  function badge(kind, words) {
    state.className = `badge ${kind}`;
    say(state, words);
  }
}

function note(camera, { frame, result }, drawnAt, stages) {
  window.ferTry.delays.push(drawnAt - frame.capturedAt);
  window.ferTry.stages.push(stages);
  window.ferTry.mismatches = camera.mismatches;
  window.ferTry.drawn += 1;
  window.ferTry.faces.push(result.faces.map((face) => face.emotion));
}
