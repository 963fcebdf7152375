// The frame around the pages: which page an address means, the ways between them, the banner, the keys.

import * as api from "./api.js";
import { awayWords } from "./condition.js";
import { el, fill, mark, say } from "./dom.js";
import { icon } from "./icons.js";
import { globalKeys } from "./keys.js";
import { Live } from "./live.js";
import { TEXTS } from "../texts.js";

// `way`: it has a way in the frame. `admin`: for those alone. `style`: it has a stylesheet of its own.
const PAGES = [
  { name: "wall", address: /^\/$/, to: "/", way: true, load: () => import("../pages/wall.js") },
  { name: "camera", address: /^\/camera\/(?<camera>.+)$/, under: "wall", load: () => import("../pages/camera.js") },
  { name: "fleet", address: /^\/fleet$/, to: "/fleet", way: true, load: () => import("../pages/fleet.js") },
  { name: "review", address: /^\/review$/, to: "/review", way: true, load: () => import("../pages/review.js") },
  { name: "try", address: /^\/try$/, to: "/try", way: true, load: () => import("../pages/try.js") },
  { name: "cameras", address: /^\/cameras$/, to: "/cameras", way: true, admin: true, load: () => import("../pages/cameras.js") },
  { name: "api", address: /^\/api$/, to: "/api", way: true, load: () => import("../pages/api.js") },
  { name: "login", address: /^\/login$/, to: "/login", load: () => import("../pages/login.js") },
];

const LOGIN = "/login";
const texts = TEXTS.common;
const live = new Live();
const frame = build();
let session = null;
let unmount = null;
let turn = 0;

start();

async function start() {
  api.whenUnknown(() => knows(session) && toLogin());
  document.addEventListener("click", follow);
  addEventListener("popstate", show);
  listen();
  mark(document.documentElement, "class", new URLSearchParams(location.search).get("kiosk") === "1" ? "kiosk" : null);
  await signIn();
  await show();
}

/** Who is here; asked again after a login. */
async function signIn() {
  for (;;) {
    try {
      session = await api.get("/api/session");
      break;
    } catch (error) {
      banner(texts.noServer);
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
  banner("");
  api.useSession(session);
  if (knows(session)) live.start();
  else live.stop();
  ways();
}

function loginAddress() {
  return `${LOGIN}?next=${encodeURIComponent(location.pathname + location.search)}`;
}

/** The server does not know us any more. */
function toLogin() {
  session = {};
  return go(loginAddress(), { replace: true, signedIn: true });
}

function knows(person) {
  return Boolean(person?.role);
}

/** Go to an address of this site. After a login or a logout, `{signedIn: true}` asks who is here first. */
async function go(address, { replace = false, signedIn = false } = {}) {
  history[replace ? "replaceState" : "pushState"]({}, "", address);
  if (signedIn) await signIn();
  await show();
}

async function show() {
  const mine = ++turn;
  if (!knows(session) && location.pathname !== LOGIN) history.replaceState({}, "", loginAddress());
  const page = PAGES.find((one) => one.address.test(location.pathname));
  unmount?.();
  unmount = null;
  live.watch({});
  ways(page);
  fill(frame.main);
  frame.main.removeAttribute("data-page");
  if (!page || (page.admin && session.role !== "admin")) return nothing(texts.noPage, texts.noPageWhy);
  document.title = `${TEXTS[page.name].title ?? texts.name} · ${texts.name}`;
  let module;
  try {
    [module] = await Promise.all([page.load(), styled(page.name)]);
  } catch (error) {
    return mine === turn && nothing(texts.notLoaded, error.message);
  }
  if (mine !== turn) return undefined;
  const found = location.pathname.match(page.address).groups ?? {};
  const params = { query: new URLSearchParams(location.search) };
  for (const [name, value] of Object.entries(found)) params[name] = decoded(value);
  frame.main.dataset.page = page.name;
  unmount = module.mount(frame.main, { live, api, session, go, params }) ?? null;
  if (mine > 1) frame.main.focus({ preventScroll: true });
  scrollTo(0, 0);
  return undefined;
}

/** A part of the address as text; as it is where somebody typed it with a % of its own. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The page's stylesheet, loaded once, before the page is there. */
function styled(name) {
  const href = `/static/css/${name}.css`;
  if (document.querySelector(`link[href="${href}"]`)) return undefined;
  return new Promise((done, fail) => {
    document.head.append(el("link", { rel: "stylesheet", href, onload: done, onerror: () => fail(new Error(href)) }));
  });
}

function nothing(what, why) {
  document.title = `${what} · ${texts.name}`;
  const home = el("a", { class: "button", href: "/" }, texts.toWall);
  fill(frame.main, el("div", { class: "empty" }, icon("warning"), el("h1", {}, what), el("p", {}, why), home));
}

function build() {
  const parts = {
    main: el("main", { id: "main", tabindex: "-1" }),
    ways: el("nav", { class: "ways", "aria-label": texts.pages }),
    banner: el("div", { class: "banner", hidden: true }, icon("warning"), el("span", {}), el("a", { href: "/fleet", hidden: true }, texts.toFleet)),
    // Said aloud politely; what changes every second is not.
    spoken: el("div", { class: "visually-hidden", role: "status", "aria-live": "polite" }),
    link: el("div", { class: "link-state", dataset: { state: "opening" } }, el("span", {}, texts.opening)),
    foot: el("div", { class: "rail-foot" }),
  };
  parts.keys = globalKeys(parts.main);
  const brand = el("a", { class: "brand", href: "/" }, el("img", { src: "/static/favicon.svg", alt: "" }), el("span", {}, texts.name));
  document.getElementById("app").append(
    el("a", { class: "skip", href: "#main", onclick: skip }, texts.skip),
    el("header", { class: "rail" }, brand, parts.ways, parts.foot),
    el("div", { class: "main" }, parts.banner, parts.main),
    parts.spoken,
    parts.keys.dialog,
  );
  return parts;
}

function skip(event) {
  event.preventDefault();
  frame.main.focus();
}

function ways(page) {
  const current = page?.under ?? page?.name;
  const seen = knows(session) ? PAGES.filter((one) => one.way && (!one.admin || session.role === "admin")) : [];
  fill(
    frame.ways,
    seen.map((one) =>
      el(
        "a",
        { href: one.to, "aria-current": one.name === current ? "page" : null, title: TEXTS[one.name].title },
        icon(one.name),
        el("span", {}, TEXTS[one.name].title),
      ),
    ),
  );
  if (!session) return;
  fill(
    frame.foot,
    knows(session) && frame.link,
    el("button", { class: "button quiet", type: "button", onclick: frame.keys.show }, icon("keys"), el("span", {}, texts.keysTitle)),
    session.login && knows(session) && el("div", { class: "person", title: session.name }, session.name),
    session.login &&
      knows(session) &&
      el("button", { class: "button quiet", type: "button", onclick: leave }, icon("out"), el("span", {}, texts.logout)),
    session.version && el("div", { class: "version" }, session.version),
  );
  for (const small of frame.foot.querySelectorAll("svg")) mark(small, "width", 16);
}

async function leave() {
  await api.send("POST", "/api/logout");
  await go(LOGIN, { signedIn: true });
}

/** The state of the connection, and of Redis behind it. */
function listen() {
  let countdown = 0;
  const hush = () => {
    clearInterval(countdown);
    banner("");
  };
  live.on("open", () => {
    hush();
    frame.link.dataset.state = "open";
    say(frame.link.firstChild, texts.connected);
  });
  live.on("hello", (hello) => api.useSession(hello.session));
  live.on("close", ({ again_s }) => {
    // A browser tells no script why a WebSocket was refused: whoever is logged out meanwhile is asked to log in.
    api.get("/api/session").then((now) => knows(now) || (knows(session) && toLogin())).catch(() => {});
    frame.link.dataset.state = "away";
    say(frame.link.firstChild, texts.lost);
    clearInterval(countdown);
    let left = again_s;
    banner(texts.tryingAgain(left), texts.lost);
    countdown = setInterval(() => {
      if (live.state === "closed" && !knows(session)) return hush();
      left -= 1;
      banner(left > 0 ? texts.tryingAgain(left) : texts.tryingNow, texts.lost);
    }, 1000);
  });
  let away = false;
  live.on("away", ({ what }) => {
    away = true;
    const words = awayWords(what);
    banner(`${words}: ${texts.redisDo}`, words, true);
  });
  // A status comes only where Redis answers.
  live.on("status", () => away && ((away = false), banner("")));
}

/** `fleet`: with the way to the page that says more. */
function banner(words, spoken = words, fleet = false) {
  frame.banner.hidden = !words;
  frame.banner.lastChild.hidden = !fleet;
  say(frame.banner.querySelector("span"), words);
  if (spoken || frame.spoken.textContent) say(frame.spoken, spoken || texts.connected);
}

function follow(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a[href]");
  if (!link || link.target || link.origin !== location.origin || link.hasAttribute("download")) return;
  if (!PAGES.some((page) => page.address.test(link.pathname))) return;
  event.preventDefault();
  go(link.pathname + link.search + link.hash);
}
