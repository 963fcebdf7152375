// Who is in front of a camera now, and who was.

import { el, fill, mark, say } from "../core/dom.js";
import { colourOf, emotion, EMOTIONS, percent, UNKNOWN } from "../core/emotions.js";
import { clock, lasting } from "../core/times.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.camera;

/** {node, show}: a row a face, in the order in which people came. */
export function peopleList() {
  const node = el("ul", { class: "people" });
  const rows = new Map();
  const empty = el("li", { class: "table-empty" }, texts.nobody);
  fill(node, empty);
  return { node, show };

  function show(faces, now) {
    const ordered = [...faces].sort((one, other) => (one.track ?? 0) - (other.track ?? 0));
    const keys = new Set(ordered.map(keyOf));
    for (const [key, row] of rows) {
      if (keys.has(key)) continue;
      row.node.remove();
      rows.delete(key);
    }
    for (const face of ordered) {
      const key = keyOf(face);
      if (!rows.has(key)) {
        rows.set(key, person());
        node.append(rows.get(key).node);
      }
      rows.get(key).show(face, now);
    }
    if (rows.size) empty.remove();
    else if (!empty.isConnected) node.append(empty);
  }
}

function keyOf(face, index) {
  return face.track ?? `at ${index}`;
}

function person() {
  const name = el("span", {});
  const facts = el("span", { class: "person-facts" });
  const bar = sharesBar();
  const node = el("li", { class: "person" }, el("div", { class: "person-head" }, name, facts), bar.node);
  let shown = "";
  return {
    node,
    show(face, now) {
      const words = face.confidence === null ? face.emotion : `${face.emotion} ${percent(face.confidence)}`;
      if (words !== shown) fill(name, emotion(face.emotion, words));
      shown = words;
      const age = typeof face.since === "number" ? texts.here(lasting(now - face.since)) : "";
      say(facts, [typeof face.track === "number" && `#${face.track}`, age].filter(Boolean).join(" · "));
      bar.show(Object.fromEntries(EMOTIONS.map((one, index) => [one, face.probabilities[index] ?? 0])));
    },
  };
}

/** Shares of emotions as one thin bar that says its numbers to who does not see it. */
export function sharesBar(shares) {
  const parts = new Map([...EMOTIONS, UNKNOWN].map((name) => [name, el("span", { dataset: { name }, style: { backgroundColor: colourOf(name) } })]));
  const node = el("div", { class: "share-bar person-bar", role: "img" }, [...parts.values()]);
  const bar = { node, show };
  if (shares) show(shares);
  return bar;

  function show(next) {
    for (const [name, part] of parts) {
      const share = next[name] ?? 0;
      part.style.flexGrow = 100 * share; // less than 1 in all would leave room
      part.hidden = share < 0.01;
    }
    const most = Object.entries(next).filter(([, share]) => share >= 0.05).sort(([, one], [, other]) => other - one);
    mark(node, "aria-label", most.map(([name, share]) => `${name} ${percent(share)}`).join(", ") || TEXTS.common.none);
    mark(node, "title", node.getAttribute("aria-label"));
  }
}

/** The table of those who left. */
export function trackTable(tracks) {
  if (!tracks.length) return el("p", { class: "table-empty" }, texts.noTracks);
  const heads = [texts.track, texts.came, texts.stayed, texts.mostly, texts.shares];
  return el(
    "div",
    { class: "table-wrap tracks-wrap", tabindex: "0", role: "group", "aria-label": texts.tracksTable },
    el(
      "table",
      { class: "table" },
      el("thead", {}, el("tr", {}, heads.map((head, index) => el("th", { scope: "col", class: index === 2 ? "number" : null }, head)))),
      el("tbody", {}, tracks.map(trackRow)),
    ),
  );
}

function trackRow({ track, since, duration, emotion: name, shares }) {
  return el(
    "tr",
    {},
    el("td", {}, `#${track}`),
    el("td", { class: "nowrap" }, clock(since)),
    el("td", { class: "number" }, lasting(duration)),
    el("td", {}, emotion(name, `${name} ${percent(shares[name])}`)),
    el("td", { class: "track-shares" }, sharesBar(shares).node),
  );
}
