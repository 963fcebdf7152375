// How each emotion looks: a colour (Okabe and Ito, 2008), a sign, and a pattern; its name always stands beside them.

import { el, svg } from "./dom.js";

/** In the order of `probabilities`. */
export const EMOTIONS = ["anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"];
export const UNKNOWN = "unknown";

// Signs are paths of 16 x 16, patterns are lines of a tile of 8 x 8.
const LOOKS = {
  anger: { colour: "#D55E00", sign: "M8 2l6.5 11.5h-13z", pattern: "M-2 10L10 -2" },
  contempt: { colour: "#CC79A7", sign: "M2.5 2.5h11v11h-11z", pattern: "M4 0V8" },
  disgust: { colour: "#009E73", sign: "M4.2 2L8 5.8 11.8 2 14 4.2 10.2 8 14 11.8 11.8 14 8 10.2 4.2 14 2 11.8 5.8 8 2 4.2z", pattern: "M0 0L8 8M8 0L0 8" },
  fear: { colour: "#56B4E9", sign: "M8 1.5L14.5 8 8 14.5 1.5 8z", pattern: "M-2 -2L10 10" },
  happiness: { colour: "#E69F00", sign: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z", pattern: "" },
  neutral: { colour: "#999999", sign: "M2 5.5h12v5H2z", pattern: "M0 4H8" },
  sadness: { colour: "#0072B2", sign: "M8 14L1.5 2.5h13z", pattern: "M0 2H8M0 6H8" },
  surprise: { colour: "#F0E442", sign: "M8 1l2 4.7 5 .5-3.8 3.3 1.2 5L8 11.9 3.6 14.5l1.2-5L1 6.2l5-.5z", pattern: "M2 2h.1M6 6h.1" },
  unknown: { colour: "#c9d1da", sign: "", pattern: "M0 8L8 0" },
};

export function colourOf(name) {
  return (LOOKS[name] ?? LOOKS.unknown).colour;
}

export function signOf(name) {
  return (LOOKS[name] ?? LOOKS.unknown).sign;
}

export function patternOf(name) {
  return (LOOKS[name] ?? LOOKS.unknown).pattern;
}

/** The sign of an emotion as SVG; of an unknown one a dashed ring. */
export function sign(name) {
  const path = signOf(name);
  const shape = path
    ? svg("path", { d: path, fill: colourOf(name), stroke: "currentColor", "stroke-opacity": 0.45, "stroke-width": 0.75 })
    : svg("circle", { cx: 8, cy: 8, r: 5.5, fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-dasharray": "2.6 2" });
  return svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, shape);
}

/** Sign and name. `words` replaces the name. */
export function emotion(name, words = name) {
  return el("span", { class: "emotion" }, sign(name), el("span", {}, words));
}

/** `93 %` of a share in 0..1; a dash where there is none. */
export function percent(share) {
  return share === null || share === undefined ? "–" : `${Math.round(share * 100)} %`;
}
