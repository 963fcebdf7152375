// The faces in front of a camera now, and those that left.

import { el, fill, mark, say } from "../core/dom.js";
import { colourOf, emotion, EMOTIONS, percent, UNKNOWN } from "../core/emotions.js";
import { clock, lasting } from "../core/times.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.camera;

/** {node, show}: a row a face, in the order in which they came. */
export function facesNow() {
  const node = el("ul", { class: "faces" });
  const rows = new Map();
  const empty = el("li", { class: "table-empty" }, texts.nobody);
  fill(node, empty);
  return { node, show };

  function show(faces, now) {
    // Who is not followed yet has no track.
    const here = new Map(faces.map((face, index) => [face.track ?? -1 - index, face]).sort(([one], [other]) => one - other));
    for (const [track, row] of rows) {
      if (here.has(track)) continue;
      row.node.remove();
      rows.delete(track);
    }
    for (const [track, face] of here) {
      if (!rows.has(track)) {
        rows.set(track, faceRow());
        node.append(rows.get(track).node);
      }
      rows.get(track).show(face, now);
    }
    if (rows.size) empty.remove();
    else if (!empty.isConnected) node.append(empty);
  }
}

function faceRow() {
  const name = el("span", {});
  const facts = el("span", { class: "face-facts" });
  const bar = sharesBar();
  const node = el("li", { class: "face" }, el("div", { class: "face-head" }, name, facts), bar.node);
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
function sharesBar(shares) {
  const parts = new Map([...EMOTIONS, UNKNOWN].map((name) => [name, el("span", { dataset: { name }, style: { backgroundColor: colourOf(name) } })]));
  const node = el("div", { class: "share-bar face-bar", role: "img" }, [...parts.values()]);
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

/** The table of those that left. */
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
