// One camera: its picture large, the faces there, what happened, how fast and how late.

import { ApiError, cameraPath, get } from "../core/api.js";
import { conditionOf, obstacleOf, workersOf } from "../core/condition.js";
import { el, fill, mark, say } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { PictureView } from "../core/picture.js";
import { stackedArea } from "../core/stacked_area.js";
import { clock } from "../core/times.js";
import { patchChildren } from "../shared/patch.js";
import { TEXTS } from "../texts.js";
import { eventList } from "../camera/events.js";
import { dropsCard, factsCard, latencyCard } from "../camera/figures.js";
import { facesNow, trackTable } from "../camera/faces.js";

const texts = TEXTS.camera;
const SIDE = 640;
/** What the timeline shows: minutes, and seconds of a step. */
const SPANS = { 10: 5, 60: 10 };
/** The past is asked for again so often, in seconds. */
const AGAIN_S = 10;

export function mount(root, { live, session, go, params }) {
  const { camera } = params;
  const mounted = new AbortController();
  const { signal } = mounted;
  const parts = build(camera, { live, session, signal });
  let status = live.status;
  let away = "";
  let sized = false;
  let minutes = 60;
  let chosen = false;
  document.title = `${camera} · ${TEXTS.common.name}`;
  fill(root, parts.node);

  live.on("status", (message) => ((status = message), (away = ""), show()), signal);
  live.on("away", ({ what }) => (away = what), signal);
  live.on("picture", take, signal);
  live.on("faces", take, signal);
  live.on("event", ({ event }) => event.camera_id === camera && (parts.events.add(event), soon()), signal);
  live.on("open", () => (parts.view.expect(), past()), signal);
  live.watch({ pictures: session.pictures ? { [camera]: SIDE } : {}, results: [camera] });
  document.addEventListener("keydown", leave, { signal });
  document.addEventListener("visibilitychange", () => parts.view.expect(), { signal });
  parts.spans.addEventListener("click", ({ target }) => target.value && choose(Number(target.value)), { signal });
  const ticking = setInterval(tick, 500);
  const asking = setInterval(past, AGAIN_S * 1000);
  let waiting = 0;
  let turn = 0;
  if (status) show();
  past();

  return function unmount() {
    mounted.abort();
    clearInterval(ticking);
    clearInterval(asking);
    clearTimeout(waiting);
    parts.view.close();
  };

  function take(message) {
    if (message.camera !== camera) return;
    if (!sized) parts.view.node.style.aspectRatio = `${message.width} / ${message.height}`;
    sized = true;
    parts.view.take(message);
  }

  function statusOf() {
    return status?.cameras.find((one) => one.camera_id === camera) ?? null;
  }

  /** Once a second: what the newest status says. */
  function show() {
    const mine = statusOf();
    if (mine && !parts.node.isConnected) past(); // nobody knew it before
    const figures = status.figures?.[camera] ?? null;
    parts.latency.show(figures);
    parts.facts.show(mine);
    parts.drops.show(status);
    const { badge, tone, words } = conditionOf(mine, figures);
    mark(parts.badge, "class", `badge ${tone}`);
    say(parts.badge, badge);
    say(parts.spoken, words || badge);
    say(parts.about, mine?.width ? texts.about(mine.width, mine.height, mine.frames_per_second.toFixed(1)) : "");
  }

  function tick() {
    const condition = conditionOf(statusOf(), status?.figures?.[camera]);
    parts.view.tell(condition, { ...(status ? workersOf(status) : {}), obstacle: obstacleOf(status, away) });
    const { faces } = parts.view;
    parts.faces.show(faces, live.now());
    say(parts.faceCount, faces.length ? String(faces.length) : "");
  }

  /** A burst of events asks once. */
  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(past, 400);
  }

  /** What only the server knows: faces that left, and the timeline. */
  async function past() {
    const mine = ++turn;
    try {
      const [known, timeline] = await Promise.all([
        get(cameraPath(camera), { signal }),
        get(cameraPath(camera, `/timeline?minutes=${minutes}&step=${SPANS[minutes]}`), { signal }),
      ]);
      if (mine !== turn) return; // of another span, or older than what is shown
      if (!parts.node.isConnected) fill(root, parts.node);
      patchChildren(parts.tracks, el("div", {}, trackTable(known.tracks))); // who reads it keeps the place
      if (!chosen && isYoung(timeline)) choose(10);
      else parts.timeline.show(ended(timeline));
      chosen = true;
    } catch (error) {
      if (!(error instanceof ApiError) || mine !== turn) return;
      if (error.status === 404 && !statusOf()) fill(root, unknown(camera));
      else if (!parts.tracks.firstChild) fill(parts.tracks, el("p", { class: "table-empty" }, error.message));
    }
  }

  function choose(next) {
    minutes = next;
    chosen = true;
    for (const button of parts.spans.children) mark(button, "aria-pressed", String(Number(button.value) === minutes));
    past();
  }

  function leave(event) {
    if (event.key !== "Escape" || document.querySelector("dialog[open]") || event.target.closest?.("input, select")) return;
    go("/");
  }
}

function build(camera, { live, session, signal }) {
  const parts = {
    view: new PictureView({ live, session }),
    badge: el("span", { class: "badge" }),
    about: el("span", { class: "muted" }),
    faces: facesNow(),
    faceCount: el("span", { class: "aside" }),
    events: eventList(camera, signal),
    timeline: stackedArea({ label: texts.timeline, words: read, empty: texts.noTimeline }),
    spans: el("div", { class: "segmented aside" }, Object.keys(SPANS).map((minutes) => el("button", { type: "button", value: minutes, "aria-pressed": String(minutes === "60") }, texts.spans[minutes]))),
    tracks: el("div", {}),
    latency: latencyCard(),
    facts: factsCard(),
    drops: dropsCard(),
    spoken: el("div", { class: "visually-hidden", role: "status", "aria-live": "polite" }),
  };
  parts.view.node.classList.add("stage-large");
  const back = el("a", { class: "button icon quiet", href: "/", "aria-label": texts.back, title: texts.back }, icon("back"));
  mark(back.firstChild, "width", 18);
  parts.node = el(
    "div",
    { class: "page camera" },
    el("div", { class: "page-head" }, back, el("h1", {}, camera), parts.badge, parts.about),
    el(
      "div",
      { class: "camera-top" },
      el("div", { class: "card camera-picture" }, parts.view.node),
      el("div", { class: "camera-side" }, card(texts.faces, parts.faces.node, parts.faceCount), card(texts.events, parts.events.node)),
    ),
    card(texts.timeline, el("div", { class: "card-body" }, parts.timeline.node), [el("span", { class: "muted" }, texts.timelineUnit), parts.spans]),
    el(
      "div",
      { class: "camera-numbers" },
      card(texts.latency, parts.latency.node, el("span", { class: "aside" }, texts.lastMinute)),
      card(texts.camera, parts.facts.node),
      card(texts.drops, parts.drops.node, el("span", { class: "aside" }, texts.allCameras)),
    ),
    card(texts.tracks, parts.tracks),
    parts.spoken,
  );
  return parts;
}

function card(title, body, aside = null) {
  return el("section", { class: "card", "aria-label": title }, el("div", { class: "card-head" }, el("h2", {}, title), aside), body);
}

function read(at, faces) {
  const told = faces.map(([name, number]) => `${name} ${number.toFixed(1)}`).join(", ") || texts.nobody;
  return `${clock(at)}: ${told}`;
}

/** Without the step that is under way: its mean is not known yet. */
function ended({ emotions, ...rest }) {
  return { ...rest, emotions: Object.fromEntries(Object.entries(emotions).map(([name, values]) => [name, values.slice(0, -1)])) };
}

/** Whether all of it happened just now. */
function isYoung({ step, emotions }) {
  const old = -(10 * 60) / step;
  return !Object.values(emotions).some((values) => values.slice(0, old).some((value) => value > 0));
}

function unknown(camera) {
  return el(
    "div",
    { class: "empty" },
    icon("camera_off"),
    el("h1", {}, texts.unknown(camera)),
    el("p", {}, texts.unknownWhy),
    el("a", { class: "button", href: "/" }, TEXTS.common.toWall),
  );
}
