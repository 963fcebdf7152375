// What is wrong, in words, first on the page; and the runbook's entry of one kind of problem beside it.

import { capital, el, prose } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { rate } from "../shared/numbers.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.fleet;

/** The section of problems, or of calm; `away` has the problem because of which nothing is known now. */
export function problemsSection(status, away) {
  if (away) return section("bad", texts.away, away.problems.map((one) => entry(one, away)));
  if (!status) return section("plain", texts.looking, []);
  if (status.well) return section("good", texts.well, [el("p", { class: "muted" }, calm(status))]);
  const number = status.problems.length;
  return section("bad", number === 1 ? texts.oneWrong : texts.manyWrong(number), status.problems.map((one) => entry(one, status)));
}

function section(state, title, inside) {
  return el(
    "section",
    { class: `card fleet-problems ${state}`, "aria-labelledby": "fleet-state", "data-key": state },
    el("div", { class: "fleet-state", role: "status" }, el("span", { class: "fleet-sign" }, icon(state === "good" ? "tick" : "warning")), el("h2", { id: "fleet-state" }, title)),
    el("div", { class: "fleet-entries" }, inside),
  );
}

function entry(problem, status) {
  const topic = status.topics[problem.topic];
  return el(
    "article",
    { class: "fleet-problem", "data-key": problem.topic },
    el("h3", {}, capital(problem.what)),
    el("p", {}, el("strong", {}, texts.whatToDo), " ", prose(problem.do)),
    topic && el("a", { href: `#${problem.topic}` }, texts.runbookOf(topic.title)),
  );
}

/** The aside with the text of one topic. */
export function runbookPanel(name, topic) {
  return el(
    "aside",
    { class: "card fleet-runbook", "aria-labelledby": "runbook-title", "data-key": name, tabindex: "-1" },
    el("header", { class: "card-head" }, el("span", { class: "label" }, texts.runbook), el("a", { class: "aside button quiet icon", href: "#", "aria-label": texts.closeRunbook }, icon("close"))),
    el(
      "div",
      { class: "card-body" },
      el("h2", { id: "runbook-title" }, topic.title),
      el("h3", {}, texts.means),
      el("p", {}, prose(topic.means)),
      el("h3", {}, texts.lookAt),
      el("p", {}, prose(topic.look)),
    ),
  );
}

function calm(status) {
  const live = status.cameras.filter((one) => one.silent_since === null && one.state === "live").length;
  const workers = status.workers.filter((one) => one.silent_since === null).length;
  return texts.calm(live, workers, rate(status.rates?.published));
}
