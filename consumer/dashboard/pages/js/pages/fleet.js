// The fleet: what `fer status` says, as a page; what is wrong comes first.

import { el } from "../core/dom.js";
import { accountSection } from "../fleet/account.js";
import { figuresSection } from "../fleet/figures.js";
import { historyOf } from "../fleet/history.js";
import { problemsSection, runbookPanel } from "../fleet/problems.js";
import { camerasTable, groupsTable, trackersTable, workersTable } from "../fleet/tables.js";
import { patchChildren } from "../shared/patch.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.fleet;

export function mount(root, { live }) {
  const history = historyOf(live);
  const page = el("div", { class: "page fleet", onclick: follow });
  const topics = {};
  const leaving = new AbortController();
  let away = null;
  root.append(page);

  for (const name of ["status", "back"]) live.on(name, () => know(null), leaving.signal);
  live.on("away", know, leaving.signal);
  live.on("close", () => know({ problems: [texts.serverAway], topics: {} }), leaving.signal);
  show();
  return () => leaving.abort();

  function know(why) {
    away = why;
    show();
  }

  function show() {
    const status = history.newest;
    Object.assign(topics, status?.topics, away?.topics);
    const name = location.hash.slice(1);
    const panel = Object.hasOwn(topics, name) && runbookPanel(name, topics[name]);
    page.classList.toggle("is-old", Boolean(away));
    patchChildren(
      page,
      el(
        "div",
        {},
        el("header", { class: "page-head" }, el("h1", {}, texts.title), status && el("span", { class: "muted" }, texts.under(status.prefix))),
        el("div", { class: panel ? "fleet-top with-runbook" : "fleet-top" }, problemsSection(status, away), panel),
        status && figuresSection(status, history),
        status && rest(status),
      ),
    );
  }

  /** Entries of the runbook open beside the problems; their address can be sent to somebody. */
  function follow(event) {
    const link = event.target.closest('a[href^="#"]');
    if (!link) return;
    event.preventDefault();
    const from = location.hash.slice(1);
    const to = link.getAttribute("href");
    window.history.replaceState({}, "", to === "#" ? location.pathname + location.search : to);
    show();
    const focused = to === "#" ? page.querySelector(`.fleet-problem a[href="#${from}"]`) : page.querySelector(".fleet-runbook");
    focused?.focus();
  }
}

function rest(status) {
  return [
    camerasTable(status),
    workersTable(status),
    el("div", { class: "fleet-rest" }, accountSection(status.account), el("div", { class: "stack" }, trackersTable(status), groupsTable(status))),
  ];
}
