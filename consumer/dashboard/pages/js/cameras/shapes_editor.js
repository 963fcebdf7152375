// Masks and a region drawn on a camera's still picture, with the pointer and with the keyboard.

import { el, fill, svg } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { TEXTS } from "../texts.js";
import { divided, freshShape, LEAST_POINTS, moved, pointsOf, without } from "./shapes.js";

const texts = TEXTS.cameras;
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 0.01;

/** {node, showPicture(url), value()}; `given` is {mask: [polygon...], region: polygon or null}. */
export function shapesEditor(given) {
  let shapes = [...(given.region ? [{ kind: "region", points: given.region }] : []), ...(given.mask ?? []).map((points) => ({ kind: "mask", points }))];
  let chosen = shapes.length ? 0 : -1;
  let point = 0;
  const image = el("img", { class: "shapes-picture", alt: texts.still, hidden: true });
  const empty = el("p", { class: "shapes-none" }, texts.noStill);
  const drawing = svg("svg", { class: "shapes-drawing", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
  const handles = el("div", { class: "shapes-handles" });
  const stage = el("div", { class: "shapes-stage" }, image, empty, drawing, handles);
  const tools = el("div", { class: "toolbar" });
  const node = el("div", { class: "stack shapes" }, stage, tools, el("p", { class: "muted" }, texts.shapesHelp));
  show();
  return { node, showPicture, value };

  function showPicture(url) {
    image.src = url;
    image.hidden = false;
    empty.hidden = true;
  }

  function value() {
    const region = shapes.find((shape) => shape.kind === "region");
    return { region: region?.points ?? null, mask: shapes.filter((shape) => shape.kind === "mask").map((shape) => shape.points) };
  }

  function show() {
    showShapes();
    fill(handles, chosen < 0 ? [] : shapes[chosen].points.flatMap((_, at) => [corner(at), middle(at)]));
    place();
    const region = shapes.some((shape) => shape.kind === "region");
    fill(
      tools,
      shapes.length > 0 && el("div", { class: "segmented", role: "group", "aria-label": texts.shapes }, shapes.map(chip)),
      el("button", { class: "button", type: "button", onclick: () => add("mask") }, icon("add"), texts.addMask),
      !region && el("button", { class: "button", type: "button", onclick: () => add("region") }, icon("add"), texts.addRegion),
      chosen >= 0 && el("button", { class: "button", type: "button", onclick: removePoint, disabled: shapes[chosen].points.length <= LEAST_POINTS }, texts.removePoint),
      chosen >= 0 && el("button", { class: "button danger", type: "button", onclick: removeShape }, texts.removeShape(nameOf(chosen))),
    );
  }

  /** All polygons. What lies outside of the region is dark as what lies in a mask: workers see neither. */
  function showShapes() {
    fill(
      drawing,
      shapes.map(({ kind, points }, at) => {
        const state = at === chosen ? "chosen" : "";
        if (kind === "mask") return svg("polygon", { class: `shape mask ${state}`, points: pointsOf(points) });
        const hole = `M0 0H1V1H0ZM${points.map((one) => one.join(" ")).join("L")}Z`;
        return [svg("path", { class: "shape-outside", d: hole, "fill-rule": "evenodd" }), svg("polygon", { class: `shape region ${state}`, points: pointsOf(points) })];
      }),
    );
  }

  function chip(_, at) {
    return el("button", { type: "button", "aria-pressed": String(at === chosen), onclick: () => choose(at) }, nameOf(at));
  }

  function nameOf(at) {
    if (shapes[at].kind === "region") return texts.region;
    return texts.mask(shapes.slice(0, at + 1).filter((shape) => shape.kind === "mask").length);
  }

  function choose(at) {
    chosen = at;
    point = 0;
    show();
    tools.querySelector('[aria-pressed="true"]')?.focus();
  }

  function corner(at) {
    return el("button", { class: "shape-corner", type: "button", onpointerdown: (event) => drag(event, at), onkeydown: (event) => press(event, at), onfocus: () => (point = at) });
  }

  function middle(at) {
    return el("button", { class: "shape-middle", type: "button", tabindex: "-1", "aria-hidden": "true", onclick: () => divide(at) });
  }

  /** Put corners, and between them the handles for new ones, where their shape is. */
  function place() {
    if (chosen < 0) return;
    const { points } = shapes[chosen];
    [...handles.children].forEach((handle, index) => {
      const at = Math.floor(index / 2);
      const [x, y] = index % 2 ? divided(points, at)[at + 1] : points[at];
      handle.style.left = `${x * 100}%`;
      handle.style.top = `${y * 100}%`;
      if (index % 2 === 0) handle.setAttribute("aria-label", texts.corner(at + 1, nameOf(chosen), Math.round(x * 100), Math.round(y * 100)));
    });
  }

  function keep(points) {
    shapes = shapes.map((shape, at) => (at === chosen ? { ...shape, points } : shape));
  }

  /** Corners are elsewhere, and as many as before: their handles stay, and with them the focus. */
  function change(points) {
    keep(points);
    showShapes();
    place();
  }

  function drag(event, at) {
    if (event.button !== 0) return;
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    const moving = new AbortController();
    const move = ({ clientX, clientY }) => {
      const { left, top, width, height } = stage.getBoundingClientRect();
      change(moved(shapes[chosen].points, at, [(clientX - left) / width, (clientY - top) / height]));
    };
    handle.addEventListener("pointermove", move, { signal: moving.signal });
    for (const name of ["pointerup", "pointercancel"]) handle.addEventListener(name, () => moving.abort(), { signal: moving.signal });
  }

  function press(event, at) {
    const [x, y] = shapes[chosen].points[at];
    const [across, down] = STEPS[event.key] ?? [0, 0];
    const step = event.shiftKey ? 5 * STEP : STEP;
    if (event.key in STEPS) change(moved(shapes[chosen].points, at, [x + across * step, y + down * step]));
    else if (event.key === "Enter") divide(at);
    else if (event.key === "Delete" || event.key === "Backspace") removePoint();
    else return;
    event.preventDefault();
  }

  function divide(at) {
    keep(divided(shapes[chosen].points, at));
    show();
    focus(at + 1);
  }

  function removePoint() {
    const left = without(shapes[chosen].points, point);
    keep(left);
    show();
    focus(Math.min(point, left.length - 1));
  }

  function focus(at) {
    handles.children[at * 2]?.focus();
  }

  function add(kind) {
    shapes = [...shapes, { kind, points: freshShape(shapes.length) }];
    chosen = shapes.length - 1;
    show();
    focus(0);
  }

  function removeShape() {
    shapes = shapes.filter((_, at) => at !== chosen);
    chosen = shapes.length - 1;
    show();
    tools.querySelector("button").focus();
  }
}
