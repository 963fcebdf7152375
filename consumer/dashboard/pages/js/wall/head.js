// The head of the wall: what is counted, and what is shown in which order.

import { shareBar } from "../core/charts.js";
import { el, fill, mark, say } from "../core/dom.js";
import { EMOTIONS } from "../core/emotions.js";
import { icon } from "../core/icons.js";
import { clock } from "../core/times.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.wall;

/** {node, wanted, show}: `wanted()` is {text, state, emotion, sort}; `onchange` is called when it is another. */
export function wallHead({ query, kiosk, onchange }) {
  const shares = shareBar({ label: texts.expressionsNow, note: kiosk ? "" : texts.note });
  const figures = { live: count("good"), down: count("bad"), faces: count("plain") };
  const time = el("time", { class: "wall-time" });
  const text = el("input", { class: "input", type: "search", placeholder: texts.filter, "aria-label": texts.filter, value: query.get("q") ?? "" });
  const state = choice(texts.states, query.get("state"), texts.stateLabel);
  const expression = choice({ "": texts.anyExpression, ...Object.fromEntries(EMOTIONS.map((name) => [name, name])) }, query.get("emotion"), texts.expressionLabel);
  const sort = choice(texts.sorts, query.get("sort"), texts.sortLabel);
  const controls = el(
    "div",
    { class: "toolbar aside", oninput: changed },
    text,
    state,
    expression,
    sort,
    el("a", { class: "button icon", href: "/?kiosk=1", target: "_blank", rel: "noopener", title: texts.kiosk, "aria-label": texts.kiosk }, icon("screen")),
  );
  for (const sign of controls.querySelectorAll("svg")) mark(sign, "width", 18);
  const numbers = el("div", { class: "wall-counts" }, figures.live.node, figures.down.node, figures.faces.node);
  const node = el(
    "div",
    { class: "wall-head" },
    el("div", { class: "page-head" }, el("h1", { class: kiosk ? "visually-hidden" : null }, texts.title), numbers, kiosk ? time : controls),
    shares.node,
  );
  return { node, wanted, show };

  function wanted() {
    return { text: text.value.trim().toLowerCase(), state: state.value, emotion: expression.value, sort: sort.value || "name" };
  }

  function changed() {
    const { text: q, ...others } = wanted();
    const kept = Object.entries({ q: text.value.trim() && q, ...others, sort: others.sort === "name" ? "" : others.sort });
    const search = new URLSearchParams(kept.filter(([, value]) => value)).toString();
    history.replaceState({}, "", search ? `/?${search}` : "/");
    onchange();
  }

  /** `unseen`: how cameras are is not known now; `blind`: nor is who is in front of them. */
  function show({ live, down, faces, emotions, unseen, blind, now }) {
    figures.live.show(texts.live(live), unseen);
    figures.down.show(texts.down(down), unseen || down === 0);
    figures.faces.show(blind ? texts.noResults : texts.facesNow(faces));
    shares.show(blind ? {} : emotions, blind ? texts.noResultsWhy : texts.nobody);
    if (kiosk) say(time, clock(now));
  }
}

function count(tone) {
  const node = el("span", { class: `badge ${tone}` });
  return {
    node,
    show(words, hidden = false) {
      node.hidden = hidden;
      say(node, words);
    },
  };
}

function choice(options, chosen, label) {
  const node = el("select", { class: "select", "aria-label": label });
  fill(node, Object.entries(options).map(([value, words]) => el("option", { value, selected: value === (chosen ?? "") }, words)));
  return node;
}
