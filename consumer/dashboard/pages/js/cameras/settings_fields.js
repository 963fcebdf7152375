// The settings of a camera as fields with their ranges; what is as it is for every camera stays empty.

import { el } from "../core/dom.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.cameras;
const DRAWN = ["mask", "region"];
/** Of files alone, which a page cannot name: shown only where the camera has one of them. */
const OF_FILES = ["loop", "realtime", "every", "from_s", "to_s", "frame_numbers"];
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const YES_NO = ["true", "false"];

/** {node, value()}; `known` maps a setting to {kind, least, most, default}, `given` are those that the camera has of its own. */
export function settingsFields(known, given) {
  const hidden = OF_FILES.some((name) => name in given) ? DRAWN : [...DRAWN, ...OF_FILES];
  const names = Object.keys(known).filter((name) => !hidden.includes(name));
  const inputs = new Map(names.map((name) => [name, inputOf(name, known[name], given[name])]));
  const node = el("div", { class: "cameras-settings" }, names.map((name) => field(name, known[name], inputs.get(name))));
  return { node, value };

  function value() {
    const set = [...inputs].filter(([, input]) => input.value !== "");
    return Object.fromEntries(set.map(([name, input]) => [name, YES_NO.includes(input.value) ? input.value === "true" : Number(input.value)]));
  }
}

function inputOf(name, { kind, least, most, default: usual }, given) {
  const id = `setting-${name}`;
  if (isChoice(kind)) {
    const options = [["", texts.usual(usual ? texts.yes : texts.no)], ["true", texts.yes], ["false", texts.no]];
    return el("select", { class: "select", id, name }, options.map(([value, said]) => el("option", { value, selected: value === String(given ?? "") }, said)));
  }
  const step = isWhole(kind) ? "1" : "any";
  return el("input", { class: "input", id, name, type: "number", min: least, max: most, step, value: given ?? "", placeholder: usual ?? texts.none, "aria-describedby": `${id}-range ${id}-error` });
}

function field(name, { kind, least, most }, input) {
  const id = `setting-${name}`;
  const range = isChoice(kind) ? "" : texts.rangeOf(number.format(least), number.format(most));
  return el(
    "div",
    { class: "field", "data-field": name },
    el("label", { for: id }, texts.settings[name] ?? name),
    input,
    range && el("span", { class: "hint", id: `${id}-range` }, range),
    el("span", { class: "error", id: `${id}-error`, role: "alert" }),
  );
}

function isChoice(kind) {
  return kind.startsWith("bool");
}

function isWhole(kind) {
  return kind.startsWith("int");
}
