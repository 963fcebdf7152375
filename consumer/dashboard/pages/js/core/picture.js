// One camera's newest picture with its faces. What is old looks old, and says so.

import { drawFaces, drawStage, fitted, sized } from "./draw.js";
import { el, mark, say } from "./dom.js";
import { lasting } from "./times.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.picture;
/** Older than this, in seconds, is not now. */
const OLD_S = 2;
/** So long after it was asked for, a first picture should be there. */
const FIRST_S = 4;
/** A camera whose producer had a frame within this gives frames; it is told once a second. */
const FRAMES_S = 2.5;

const dirty = new Set();
let asked = false;
// With ?measure=1: how often was drawn, and `drawn(canvas, message)` is told of each picture with its boxes.
const draws = new URLSearchParams(location.search).get("measure") === "1" ? (window.ferDraws = { frames: 0, pictures: 0 }) : null;

/** All that changed is drawn at once, when the browser draws next. */
function draw() {
  asked = false;
  for (const view of dirty) view.draw();
  if (draws) draws.frames += 1;
  dirty.clear();
}

const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) target.pictureView?.resize(contentRect.width, contentRect.height);
});

/**
 * `take` takes messages "picture" and "faces" of the camera; `tell` says once a second what is wrong. Of pictures that come faster
 * than they can be shown, the newest is shown. `close` when it is no longer needed.
 */
export class PictureView {
  #bitmap = null;
  #shown = null; // the message that is drawn
  #next = null; // a picture that waits for the one being decoded
  #decoding = false;
  #broken = false;
  #askedAt = performance.now();
  #seenAt = 0; // capture time of the newest result, with picture or without
  #cameAt = -Infinity; // when it came, on the page's own clock
  #closed = false;
  #told = null; // what `tell` was called with
  #width = 0;
  #height = 0;

  /** Whether a worker makes pictures. */
  previews = false;

  constructor({ live, session }) {
    this.live = live;
    this.session = session;
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.words = el("div", { class: "stage-words", hidden: true }, el("strong", {}), el("span", {}));
    this.note = el("div", { class: "stage-note", hidden: true });
    this.node = el("div", { class: "stage" }, this.canvas, this.words, this.note);
    this.node.pictureView = this;
    sizes.observe(this.node);
  }

  /** The newest faces, and whether they are of now. */
  get faces() {
    return this.#shown && this.#sinceNews() < OLD_S + 1 ? this.#shown.faces : [];
  }

  get newest() {
    return this.#shown;
  }

  /** Watched from now on, or again: pictures may be expected. */
  expect() {
    this.#askedAt = performance.now();
  }

  take(message) {
    this.#cameAt = performance.now();
    this.#seenAt = Math.max(this.#seenAt, message.captured_at);
    if (!message.jpeg) return this.#takeFaces(message);
    this.#next = message;
    if (!this.#decoding) this.#decode();
    return undefined;
  }

  #takeFaces(message) {
    // A picture that was just shown stays: only its own faces may be drawn on it.
    if (this.#bitmap && message.captured_at - this.#shown.captured_at < OLD_S) return;
    this.#drop();
    this.#shown = message;
    this.#ask();
  }

  async #decode() {
    this.#decoding = true;
    while (this.#next && !this.#closed) {
      const message = this.#next;
      this.#next = null;
      try {
        const bitmap = await createImageBitmap(message.jpeg);
        this.#drop();
        if (this.#closed) bitmap.close();
        else this.#bitmap = bitmap;
        this.#shown = { ...message, jpeg: null };
        this.#broken = false;
        this.#ask();
      } catch {
        this.#broken = true; // the next one may be whole
      }
    }
    this.#decoding = false;
  }

  /** Seconds since the last message came. */
  #sinceNews() {
    return (performance.now() - this.#cameAt) / 1000;
  }

  #drop() {
    this.#bitmap?.close();
    this.#bitmap = null;
  }

  #ask() {
    dirty.add(this);
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  }

  resize(width, height) {
    this.#width = width;
    this.#height = height;
    this.#ask();
  }

  draw() {
    if (this.#closed || !this.#width || !this.#height) return;
    const context = sized(this.canvas, this.#width, this.#height);
    context.fillStyle = "#0b0e13";
    context.fillRect(0, 0, this.#width, this.#height);
    const message = this.#shown;
    if (!message) return;
    const place = fitted(message.width, message.height, this.#width, this.#height);
    if (this.#bitmap) {
      context.drawImage(this.#bitmap, place.x, place.y, place.width, place.height);
      if (draws) draws.pictures += 1;
    } else drawStage(context, place);
    drawFaces(context, message, { place, now: message.captured_at, label: labelFor(place.width, message.faces.length) });
    if (this.#bitmap) draws?.drawn?.(this.canvas, message);
    // What was wrong may be over: the words go at once, and come again only with the next `tell`.
    if (this.#told && (this.node.dataset.old || !this.words.hidden)) this.tell(...this.#told);
  }

  /** Say what there is to say over the picture, of `condition` (of condition.js) and of its age. Returns the words. */
  tell(condition, programs = {}) {
    const { previews = false } = programs;
    this.#told = [condition, programs];
    this.previews = previews;
    const said = this.#said(condition, programs);
    mark(this.node, "data-old", said.old ?? null);
    mark(this.node, "data-tone", said.tone ?? "");
    this.words.hidden = !said.words;
    say(this.words.firstChild, said.words ?? "");
    say(this.words.lastChild, said.why ?? "");
    const note = said.words ? "" : said.note || this.#noteWords();
    this.note.hidden = !note;
    say(this.note, note);
    return said.words || said.note || "";
  }

  /** `old`: how it is dimmed. `words` lie over the picture, a `note` below. */
  #said(condition, { workers = true, obstacle = null }) {
    if (obstacle?.first && this.#sinceNews() >= OLD_S) return { old: "gone", tone: "bad", words: obstacle.words, why: this.#ageWords() || obstacle.why };
    if (condition.words) return { old: "gone", tone: condition.tone, words: condition.words, why: condition.why };
    const age = this.live.now() - this.#seenAt;
    const waited = (performance.now() - this.#askedAt) / 1000;
    if (this.#sinceNews() < OLD_S) return age < OLD_S ? this.#ofPicture() : { old: "late", note: texts.late(lasting(age)) };
    if (obstacle) return { old: "gone", tone: "bad", words: obstacle.words, why: obstacle.why };
    if (!workers) return { old: "gone", tone: "bad", words: texts.noWorker, why: texts.noWorkerDo };
    if (this.#seenAt && waited > OLD_S) {
      // Where no frame comes either, it is the camera: its producer will say so.
      const frames = this.live.state === "open" && this.live.now() - (condition.framesAt ?? 0) < FRAMES_S;
      return { old: "gone", tone: "warn", words: this.#ageWords(), why: frames ? texts.oldWhy : "" };
    }
    if (waited < FIRST_S) return this.#seenAt ? { old: "late" } : { words: texts.waiting };
    return { old: "gone", tone: "warn", words: texts.noResult, why: texts.noResultWhy };
  }

  /** How old what is shown is; "" where nothing is. */
  #ageWords() {
    if (!this.#seenAt) return "";
    const age = lasting(this.live.now() - this.#seenAt);
    return this.#bitmap ? texts.oldPicture(age) : texts.oldResult(age);
  }

  /** Results are of now; the picture may be older than they are. */
  #ofPicture() {
    const age = this.#bitmap ? this.live.now() - this.#shown.captured_at : 0;
    return age < OLD_S ? {} : { old: "late", note: texts.oldPicture(lasting(age)) };
  }

  #noteWords() {
    if (this.#broken) return texts.broken;
    if (this.#bitmap || !this.#shown) return this.#shown?.blurred ? texts.blurred : "";
    if (!this.session.pictures) return this.session.role === "watcher" ? texts.noRight : texts.switchedOff;
    if (performance.now() - this.#askedAt < FIRST_S * 1000) return "";
    return this.previews ? texts.fewPreviews : texts.noPreviews;
  }

  close() {
    this.#closed = true;
    sizes.unobserve(this.node);
    dirty.delete(this);
    this.#drop();
  }
}

/** How much is written beside a box: what there is room for. */
function labelFor(width, faces) {
  if (width < 130) return "none";
  return width / Math.max(1, faces) < 75 || width < 220 ? "short" : "full";
}
