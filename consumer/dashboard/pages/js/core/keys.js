// Keys that work on every page, and the dialog that shows them.

import { el, fill } from "./dom.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.common;

/**
 * Listen for `?` and `/`. `main` holds the page, whose own keys stand in its texts; pages listen to these themselves.
 *
 * Returns {dialog, show}.
 */
export function globalKeys(main) {
  const dialog = el("dialog", { class: "dialog", "aria-label": texts.keysTitle });
  document.addEventListener("keydown", press);
  return { dialog, show };

  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    if (event.key === "?") {
      event.preventDefault();
      show();
    } else if (event.key === "/" && !dialog.open) {
      const filter = main.querySelector("input[type=search]");
      if (!filter) return;
      event.preventDefault();
      filter.focus();
      filter.select();
    }
  }

  function show() {
    if (dialog.open) return;
    const listed = [...texts.keys, ...(TEXTS[main.dataset.page]?.keys ?? [])];
    const rows = listed.flatMap(([keys, what]) => [el("dt", {}, keys.split(" ").map((one) => [el("kbd", {}, one), " "])), el("dd", {}, what)]);
    const close = el("button", { class: "button", autofocus: true }, texts.close);
    fill(
      dialog,
      el("form", { method: "dialog" }, el("h2", {}, texts.keysTitle), el("dl", { class: "keys" }, rows), el("div", { class: "buttons" }, close)),
    );
    dialog.showModal();
  }
}
