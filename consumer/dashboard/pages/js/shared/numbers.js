// Numbers as people read them: the same units in the same places on every page.

import { TEXTS } from "../texts.js";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const SIZES = [
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
];

/** `12,345`; a dash where nothing is known. */
export function count(number) {
  return known(number) ? whole.format(number) : TEXTS.common.unknown;
}

/** `9.8`, of something a second. */
export function rate(number) {
  if (!known(number)) return TEXTS.common.unknown;
  return (number >= 1000 ? whole : tenth).format(number);
}

/** `12.3 MB` */
export function bytes(number) {
  const [size, unit] = SIZES.find(([least]) => number >= least) ?? [1, "B"];
  return `${(size === 1 ? whole : tenth).format(number / size)} ${unit}`;
}

function known(number) {
  return number !== null && number !== undefined;
}
