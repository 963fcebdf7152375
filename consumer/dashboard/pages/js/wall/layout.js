// How many tiles stand side by side.

const GAP = 12;
/** Name and state under the picture. */
const FOOT = 40;
const LEAST = 272;
/** A picture may have bars at its sides so that all are in sight: tiles of this width, with so much of their height. */
const SQUEEZED = 340;
const LEAST_SHARE = 0.7;
/** Under the last row. */
const MARGIN = 32;

/** Lay `count` tiles out: in a page that scrolls, or (kiosk) all of them on the screen. */
export function layOut(list, count, kiosk) {
  const width = list.clientWidth;
  if (!width || !count) return;
  if (kiosk) fitAll(list, count, width);
  else flow(list, count, width);
}

/** Few cameras are large, and all in sight where they nearly are; many are not smaller than can be read, and scroll. */
function flow(list, count, width) {
  const most = Math.max(1, Math.floor((width + GAP) / (LEAST + GAP)));
  const first = Math.min(most, Math.ceil(Math.sqrt(count)), 6);
  const high = innerHeight - list.getBoundingClientRect().top - scrollY - MARGIN;
  for (let columns = first; columns <= Math.min(most, first + 1); columns += 1) {
    const side = (width - GAP * (columns - 1)) / columns;
    const rows = Math.ceil(count / columns);
    const room = (high - GAP * (rows - 1)) / rows - FOOT;
    const whole = (side * 9) / 16;
    if (side >= SQUEEZED && room >= whole * LEAST_SHARE) return set(list, columns, side, Math.min(whole, room));
  }
  return set(list, first, (width - GAP * (first - 1)) / first);
}

/** The number of columns that makes the tiles largest while all fit. */
function fitAll(list, count, width) {
  const height = innerHeight - list.getBoundingClientRect().top - 8;
  let best = { columns: 1, side: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const across = (width - 8 * (columns - 1)) / columns;
    const down = ((height - 8 * (rows - 1)) / rows) * (16 / 9);
    const side = Math.floor(Math.min(across, down));
    if (side > best.side) best = { columns, side };
  }
  set(list, best.columns, best.side);
}

function set(list, columns, side, height = null) {
  const template = `repeat(${columns}, minmax(0, ${Math.floor(side)}px))`;
  if (list.style.gridTemplateColumns !== template) list.style.gridTemplateColumns = template;
  list.style.setProperty("--stage-height", height ? `${Math.floor(height)}px` : "auto");
  list.dataset.columns = columns;
}
