// A picture on a canvas, and the faces that were found in it. All sizes in CSS pixels; the context is scaled already.

import { colourOf, percent, signOf, UNKNOWN } from "./emotions.js";
import { brief } from "./times.js";

const PLATE = "rgba(10, 13, 18, 0.84)";
const HALO = "rgba(10, 13, 18, 0.6)";
const FAMILY = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif';
const PLATE_HEIGHT = 20;
const GAP = 3;
const SIGN = 11;

const signs = new Map();

/** Where a frame of `width` x `height` lies in a stage, as large as it fits: {x, y, width, height, scale}. */
export function fitted(width, height, stageWidth, stageHeight) {
  const scale = Math.min(stageWidth / width, stageHeight / height);
  const place = { width: width * scale, height: height * scale, scale };
  return { ...place, x: (stageWidth - place.width) / 2, y: (stageHeight - place.height) / 2 };
}

/** A canvas as sharp as the screen, at most twice: returns its context, scaled to CSS pixels. */
export function sized(canvas, width, height) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  const context = canvas.getContext("2d", { alpha: false });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** Where there is no picture: an empty frame to scale, on which faces can be drawn. */
export function drawStage(context, place) {
  context.strokeStyle = "#333c48";
  context.lineWidth = 1;
  context.setLineDash([4, 4]);
  context.strokeRect(place.x + 0.5, place.y + 0.5, place.width - 1, place.height - 1);
  context.setLineDash([]);
}

/**
 * Boxes with name, probability and age of the track beside them.
 *
 * `message` has `faces`, their boxes in pixels of the frame. `options`: `place` (of `fitted`), `now` (seconds, on the server's clock),
 * `label`: "full", "short" (without the age) or "none". Labels stay inside the frame and off each other: where there is no room for a
 * name its sign stands alone, and in a crowd not even that.
 */
export function drawFaces(context, message, { place, now, label = "full" }) {
  const faces = message.faces.map((face) => ({ face, box: boxOf(face, place) }));
  for (const { face, box } of faces) drawBox(context, face, box);
  if (label === "none") return;
  context.font = `600 ${place.width < 400 ? 11 : place.width < 900 ? 12 : 13}px ${FAMILY}`;
  context.textBaseline = "middle";
  const taken = faces.map(({ box }) => box);
  const plates = [];
  for (const { face, box } of faces) {
    const text = wordsOf(face, now, label);
    const width = Math.min(context.measureText(text).width + SIGN + 17, place.width);
    const plate = free(box, width, place, plates, taken);
    if (!plate) continue;
    plates.push(plate);
    drawPlate(context, face, plate.width < width ? "" : text, plate);
  }
}

/** `happiness 93 % · 12 s` */
function wordsOf(face, now, label = "full") {
  const name = face.confidence === null ? face.emotion : `${face.emotion} ${percent(face.confidence)}`;
  if (label === "short" || typeof face.since !== "number") return name;
  return `${name} · ${brief(now - face.since)}`;
}

function boxOf(face, place) {
  const [left, top, right, bottom] = face.box.map((value) => value * place.scale);
  const x = Math.max(0, left);
  const y = Math.max(0, top);
  return { x: place.x + x, y: place.y + y, width: Math.min(right, place.width) - x, height: Math.min(bottom, place.height) - y };
}

function drawBox(context, face, box) {
  const radius = Math.min(4, box.width / 6);
  context.setLineDash([]);
  outline(context, box, radius, HALO, 4);
  if (face.emotion === UNKNOWN) context.setLineDash([6, 4]);
  outline(context, box, radius, colourOf(face.emotion), 2);
  context.setLineDash([]);
}

function outline(context, { x, y, width, height }, radius, colour, line) {
  context.beginPath();
  context.roundRect(x, y, Math.max(1, width), Math.max(1, height), radius);
  context.strokeStyle = colour;
  context.lineWidth = line;
  context.stroke();
}

/** The best place for a label, or for its sign alone; null where there is none that is free of other labels. */
function free(box, width, place, plates, boxes) {
  return placed(box, width, place, plates, boxes) ?? placed(box, SIGN + 12, place, plates, boxes);
}

/** Above its box, below, inside; one that is free of other boxes, too, is better. */
function placed(box, width, place, plates, boxes) {
  const x = clamp(box.x - 1, place.x + 1, place.x + place.width - width - 1);
  const [least, most] = [place.y + 1, place.y + place.height - PLATE_HEIGHT - 1];
  const above = box.y - PLATE_HEIGHT - GAP;
  const below = box.y + box.height + GAP;
  const wanted = [above, below, box.y + GAP, box.y + box.height - PLATE_HEIGHT - GAP, above - PLATE_HEIGHT, below + PLATE_HEIGHT];
  const inside = wanted.filter((y) => y >= least && y <= most).map((y) => ({ x, y, width, height: PLATE_HEIGHT }));
  const others = boxes.filter((other) => other !== box);
  const clear = inside.filter((plate) => !plates.some((other) => overlap(plate, other)));
  return clear.find((plate) => !others.some((other) => overlap(plate, other))) ?? clear[0] ?? null;
}

function drawPlate(context, face, text, { x, y, width, height }) {
  context.beginPath();
  context.roundRect(x, y, width, height, 4);
  context.fillStyle = PLATE;
  context.fill();
  drawSign(context, face.emotion, x + 6, y + (height - SIGN) / 2);
  context.fillStyle = "#ffffff";
  context.fillText(text, x + SIGN + 11, y + height / 2 + 0.5, width - SIGN - 14);
}

function drawSign(context, emotion, x, y) {
  context.save();
  context.translate(x, y);
  context.scale(SIGN / 16, SIGN / 16);
  if (emotion === UNKNOWN || !signOf(emotion)) {
    context.beginPath();
    context.arc(8, 8, 5.5, 0, 2 * Math.PI);
    context.setLineDash([3, 2.5]);
    context.strokeStyle = "#ffffff";
    context.lineWidth = 2;
    context.stroke();
  } else {
    if (!signs.has(emotion)) signs.set(emotion, new Path2D(signOf(emotion)));
    context.fillStyle = colourOf(emotion);
    context.fill(signs.get(emotion));
    context.strokeStyle = "rgba(255, 255, 255, 0.75)";
    context.lineWidth = 1.1;
    context.stroke(signs.get(emotion));
  }
  context.restore();
}

function overlap(one, other) {
  return (
    one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height
  );
}

function clamp(value, least, most) {
  return Math.min(Math.max(value, least), Math.max(least, most));
}
