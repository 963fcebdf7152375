// A picture on a canvas of the page's width, with faces on it; mirrored where somebody wants to see themselves as in a mirror.

import { el } from "../core/dom.js";
import { drawFaces, fitted, sized } from "../core/draw.js";

/** {node, canvas, show(picture, message, {mirrored})}; `picture` is what drawImage takes, `message` has width, height and faces. */
export function pictureStage(label) {
  const canvas = el("canvas", { class: "try-canvas", role: "img", "aria-label": label });
  const node = el("div", { class: "try-box" }, canvas);
  let last = null;
  const watching = new ResizeObserver(() => last && draw(...last));
  watching.observe(node);
  return {
    node,
    canvas,
    show(...shown) {
      last = shown;
      draw(...shown);
    },
    clear() {
      last = null;
    },
  };

  function draw(picture, message, { mirrored = false } = {}) {
    const wide = node.clientWidth;
    if (!wide) return;
    const high = Math.min((wide * message.height) / message.width, Math.max(240, window.innerHeight * 0.7));
    canvas.style.height = `${high}px`;
    const context = sized(canvas, wide, high);
    const place = fitted(message.width, message.height, wide, high);
    context.fillStyle = "#10141a";
    context.fillRect(0, 0, wide, high);
    if (picture) drawPicture(context, picture, place, mirrored, wide);
    const faces = mirrored ? message.faces.map((face) => ({ ...face, box: flipped(face.box, message.width) })) : message.faces;
    drawFaces(context, { ...message, faces }, { place, now: 0, label: "short" });
  }
}

function drawPicture(context, picture, place, mirrored, wide) {
  context.save();
  if (mirrored) {
    context.translate(wide, 0);
    context.scale(-1, 1);
  }
  context.drawImage(picture, place.x, place.y, place.width, place.height);
  context.restore();
}

function flipped([left, top, right, bottom], width) {
  return [width - right, top, width - left, bottom];
}
