// How many tiles stand side by side.

const GAP = 12;
/** Name and state under the picture. */
const FOOT = 40;
const LEAST = 272;

/** Lay `count` tiles out: in a page that scrolls, or (kiosk) all of them on the screen. */
export function layOut(list, count, kiosk) {
  const width = list.clientWidth;
  if (!width || !count) return;
  if (kiosk) fitAll(list, count, width);
  else flow(list, count, width);
}

/** Few cameras are large, many are not smaller than can be read. */
function flow(list, count, width) {
  const most = Math.max(1, Math.floor((width + GAP) / (LEAST + GAP)));
  const columns = Math.min(most, Math.max(1, Math.ceil(Math.sqrt(count))) + (count > 4 ? 1 : 0), 6);
  const high = Math.max(240, innerHeight - 236);
  const widest = columns === 1 ? Math.min(width, (high - FOOT) * (16 / 9)) : (width - GAP * (columns - 1)) / columns;
  set(list, columns, widest);
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

function set(list, columns, side) {
  const template = `repeat(${columns}, minmax(0, ${Math.floor(side)}px))`;
  if (list.style.gridTemplateColumns !== template) list.style.gridTemplateColumns = template;
  list.dataset.columns = columns;
}
