// Every camera at a glance: pictures of those in sight, and how each one is.

import { obstacleOf, workersOf } from "../core/condition.js";
import { capital, el, fill, mark, prose, say } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { TEXTS } from "../texts.js";
import { wallHead } from "../wall/head.js";
import { layOut } from "../wall/layout.js";
import { Tile } from "../wall/tile.js";

const texts = TEXTS.wall;
/** Tiles that are sorted by what they show change places no more often than this. */
const RESORT_S = 4;
let left = ""; // the camera that was opened last: coming back begins there

export function mount(root, { live, session, params }) {
  const kiosk = params.query.get("kiosk") === "1";
  const ended = new AbortController();
  const { signal } = ended;
  const tiles = new Map();
  let status = live.status;
  let away = ""; // why Redis cannot be seen
  let sortedAt = 0;
  let asked = "";

  const head = wallHead({ query: params.query, kiosk, onchange: () => arrange(true) });
  const list = el("ul", { class: "tiles", "aria-label": texts.cameras });
  const problem = el("div", { class: "notice warn wall-problem", hidden: true }, icon("warning"), el("div", {}));
  const nothing = el("div", { class: "card", hidden: true });
  const spoken = el("div", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  fill(root, el("div", { class: `page wall${kiosk ? " wall-kiosk" : ""}` }, head.node, problem, list, nothing, spoken));
  waiting();

  const seen = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) target.tile.setVisible(isIntersecting);
      ask();
    },
    { rootMargin: "120px" },
  );
  const room = new ResizeObserver(() => relay());
  room.observe(list);
  addEventListener("resize", relay, { signal });
  list.addEventListener("keydown", move, { signal });
  list.addEventListener("focusin", ({ target }) => reach(target.closest("li")), { signal });
  list.addEventListener("click", ({ target }) => (left = target.closest("li")?.dataset.camera ?? left), { signal });
  live.on("status", (message) => ((status = message), (away = ""), show()), signal);
  live.on("away", ({ what }) => ((away = what), show()), signal);
  live.on("picture", (message) => tiles.get(message.camera)?.view.take(message), signal);
  live.on("faces", (message) => tiles.get(message.camera)?.view.take(message), signal);
  // Whoever comes back waits for new pictures: that there are none yet is nobody's fault.
  const expect = () => tiles.forEach((tile) => tile.view.expect());
  document.addEventListener("visibilitychange", expect, { signal });
  live.on("open", expect, signal);
  const ticking = setInterval(() => live.state !== "open" && show(), 1000);
  if (status) show();

  return function unmount() {
    ended.abort();
    clearInterval(ticking);
    seen.disconnect();
    room.disconnect();
    for (const tile of tiles.values()) tile.close();
  };

  /** What the newest status says: tiles for new cameras, none for those that are forgotten. */
  function show() {
    if (!status) return;
    const obstacle = obstacleOf(status, away);
    const programs = { ...workersOf(status), obstacle };
    const statuses = new Map(status.cameras.map((camera) => [camera.camera_id, camera]));
    const names = new Set([...statuses.keys(), ...Object.keys(status.figures ?? {})]);
    const told = [];
    for (const [name, tile] of tiles) {
      if (names.has(name)) continue;
      seen.unobserve(tile.node);
      tile.close();
      tiles.delete(name);
    }
    for (const name of names) {
      const tile = tiles.get(name) ?? added(name);
      const before = tile.condition;
      const first = tile.figures === null && !tile.shown;
      tile.show(statuses.get(name) ?? null, status.figures?.[name] ?? null, programs);
      if (!first && before.badge !== tile.condition.badge) told.push(`${name}: ${tile.condition.words || tile.condition.badge}`);
      tile.shown = true;
    }
    if (told.length) say(spoken, told.length > 4 ? texts.manyChanged(told.length) : told.join(". "));
    count(obstacle);
    tellProblem(obstacle);
    arrange(false);
  }

  function added(name) {
    const tile = new Tile(name, { live, session, kiosk });
    tiles.set(name, tile);
    seen.observe(tile.node);
    return tile;
  }

  function count(obstacle) {
    const emotions = {};
    const sum = { live: 0, down: 0, faces: 0 };
    for (const tile of tiles.values()) {
      if (tile.condition.group !== "ended") sum[tile.condition.group] += 1;
      sum.faces += tile.faces;
      for (const [name, number] of Object.entries(tile.emotions)) emotions[name] = (emotions[name] ?? 0) + number;
    }
    // Nobody in sight and nothing known are two things.
    const unseen = live.state !== "open" || Boolean(obstacle?.first);
    head.show({ ...sum, emotions, unseen, blind: unseen || (obstacle !== null && sum.faces === 0), now: live.now() });
  }

  function tellProblem(obstacle) {
    const [first, ...more] = away ? [] : (status.problems ?? []); // what was wrong before Redis went is of before
    problem.hidden = !first || kiosk;
    mark(problem, "class", `notice ${obstacle?.first ? "bad" : "warn"} wall-problem`);
    if (!first) return;
    const words = `${first.what}: ${first.do}`;
    if (problem.dataset.words === `${words}${more.length}`) return;
    problem.dataset.words = `${words}${more.length}`;
    fill(
      problem.lastChild,
      el("strong", {}, prose(capital(first.what))),
      el("span", { class: "muted" }, " ", prose(capital(first.do)), ". "),
      el("a", { href: "/fleet" }, more.length ? texts.moreProblems(more.length) : texts.toFleet),
    );
  }

  /** Which tiles are shown, in which order. */
  function arrange(now) {
    const wanted = head.wanted();
    const byValue = wanted.sort !== "name";
    if (now || !byValue || performance.now() - sortedAt > RESORT_S * 1000) {
      sortedAt = performance.now();
      const shown = [...tiles.values()].filter((tile) => fits(tile, wanted)).sort(ORDERS[wanted.sort] ?? ORDERS.name);
      place(shown);
    }
    const none = list.childElementCount === 0;
    mark(list, "hidden", none ? "" : null);
    nothing.hidden = !none;
    if (none) fill(nothing, tiles.size ? emptyFilter() : emptyWall());
    relay();
  }

  function place(shown) {
    const nodes = shown.map((tile) => tile.node);
    if (nodes.length === list.childElementCount && nodes.every((node, index) => list.children[index] === node)) return;
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    fill(list, nodes);
    focused?.focus({ preventScroll: true });
    const first = nodes.find((node) => node.dataset.camera === left) ?? nodes[0];
    if (first && !nodes.some((node) => node.tile.link.tabIndex === 0)) {
      reach(first);
      if (left && first.dataset.camera === left && document.activeElement === root) first.tile.link.focus();
    }
  }

  /** One tile is reached by Tab, the others by arrows. */
  function reach(node) {
    if (!node || kiosk) return;
    for (const tile of tiles.values()) tile.link.tabIndex = tile.node === node ? 0 : -1;
  }

  function move(event) {
    const node = event.target.closest("li");
    const columns = Number(list.dataset.columns) || 1;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -Infinity, End: Infinity }[event.key];
    if (!node || step === undefined) return;
    event.preventDefault();
    const all = [...list.children];
    const at = Math.min(Math.max(all.indexOf(node) + step, 0), all.length - 1);
    all[at].tile.link.focus();
  }

  /** Ask for pictures of what is in sight, as large as it is. */
  function ask() {
    const inSight = [...tiles.values()].filter((tile) => tile.visible);
    const pictures = Object.fromEntries(inSight.map((tile) => [tile.name, tile.side]));
    const key = JSON.stringify(pictures);
    if (key === asked) return;
    asked = key;
    live.watch({ pictures: session.pictures ? pictures : {}, results: Object.keys(pictures) });
  }

  function relay() {
    layOut(list, list.childElementCount, kiosk);
    ask();
  }

  function waiting() {
    fill(list, Array.from({ length: 6 }, () => el("li", { class: "skeleton tile-skeleton", "aria-hidden": "true" })));
    layOut(list, 6, kiosk);
  }

  function emptyWall() {
    const elsewhere = (status?.problems ?? []).find((one) => one.topic === "wrong-prefix");
    if (elsewhere) return el("div", { class: "empty" }, icon("camera_off"), el("h2", {}, capital(elsewhere.what)), el("p", {}, prose(`${capital(elsewhere.do)}.`)));
    return el(
      "div",
      { class: "empty" },
      icon("camera_off"),
      el("h2", {}, texts.noCamera),
      session.cameras_editable
        ? el("a", { class: "button primary", href: "/cameras" }, texts.addCamera)
        : [el("p", {}, texts.noCameraDo), el("code", { class: "command" }, texts.noCameraCommand)],
    );
  }

  function emptyFilter() {
    return el(
      "div",
      { class: "empty" },
      el("h2", {}, texts.noneFits),
      el("p", {}, texts.noneFitsWhy(tiles.size)),
      el("a", { class: "button", href: "/" }, texts.showAll),
    );
  }
}

const ORDERS = {
  name: (one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }),
  state: (one, other) => RANKS[one.condition.group] - RANKS[other.condition.group] || ORDERS.name(one, other),
  faces: (one, other) => other.faces - one.faces || ORDERS.name(one, other),
};
const RANKS = { down: 0, live: 1, ended: 2 };

function fits(tile, { text, state, emotion }) {
  if (text && !tile.name.toLowerCase().includes(text)) return false;
  if (state && tile.condition.group !== state) return false;
  return !emotion || tile.emotions[emotion] > 0;
}
