// Signs of 24 x 24, drawn with lines.

import { svg } from "./dom.js";

const PATHS = {
  wall: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  fleet: "M3 12h4l3-8 4 16 3-8h4",
  review: "M12 7v5l3.5 2M3.5 12a8.5 8.5 0 1 0 2.6-6.100M3 4v4h4",
  try: "M3 7h3l1.5-2.500h9L18 7h3v12H3zM12 16.500a3.7 3.7 0 1 0 0-7.4 3.7 3.7 0 0 0 0 7.400z",
  cameras: "M3 7h12v10H3zM15 11l6-3.500v9L15 13z",
  api: "M8 7l-5 5 5 5M16 7l5 5-5 5M13.5 5l-3 14",
  warning: "M12 4l9 16H3zM12 10v4.500M12 17.200v.1",
  back: "M15 5l-7 7 7 7",
  keys: "M3 6h18v12H3zM7 10h.1M11 10h.1M15 10h.1M7 14h10",
  out: "M14 4h6v16h-6M10 8l-4 4 4 4M6 12h9",
  screen: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  close: "M6 6l12 12M18 6L6 18",
  camera_off: "M3 7h9M15 9.500V7.500M15 13v4H5.500M3 17V7M15 11l6-3.500v9l-2.5-1.400M3 3l18 18",
  download: "M12 4v11M7.5 11L12 15.5 16.5 11M4 20h16",
  upload: "M12 16V5M7.5 9L12 4.5 16.5 9M4 20h16",
  add: "M12 5v14M5 12h14",
  tick: "M5 12.500l4.500 4.500L19 7.500",
};

/** An icon that says nothing to a screen reader: words stand beside it, or in a label. */
export function icon(name) {
  return svg(
    "svg",
    {
      viewBox: "0 0 24 24",
      fill: "none",
      stroke: "currentColor",
      "stroke-width": 1.8,
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
      "aria-hidden": "true",
    },
    svg("path", { d: PATHS[name] }),
  );
}
