// One camera of the wall: a link with its picture, its name, how it is.

import { conditionOf } from "../core/condition.js";
import { el, mark, say } from "../core/dom.js";
import { PictureView } from "../core/picture.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.wall;

export class Tile {
  visible = false;
  condition = conditionOf(null);
  figures = null;

  constructor(name, { live, session, kiosk }) {
    this.name = name;
    this.view = new PictureView({ live, session });
    this.badge = el("span", { class: "badge" });
    this.faceCount = el("span", { class: "tile-faces" });
    this.rate = el("span", { class: "tile-rate" });
    this.link = el(
      kiosk ? "div" : "a",
      { class: "tile", href: kiosk ? null : `/camera/${encodeURIComponent(name)}`, tabindex: kiosk ? null : "-1", role: kiosk ? "group" : null },
      this.view.node,
      el(
        "span",
        { class: "tile-foot" },
        el("span", { class: "tile-name", title: name }, name),
        el("span", { class: "tile-facts" }, this.faceCount, this.rate),
        this.badge,
      ),
    );
    this.node = el("li", { dataset: { camera: name } }, this.link);
    this.node.tile = this;
  }

  /** Faces there now: in the picture, or, of a camera that is not in sight, by the server's count. */
  get faces() {
    if (this.condition.group !== "live") return 0;
    return this.visible ? this.view.faces.length : (this.figures?.faces ?? 0);
  }

  /** {emotion: faces} now. */
  get emotions() {
    if (this.condition.group !== "live") return {};
    if (!this.visible) return this.figures?.emotions ?? {};
    const counts = {};
    for (const face of this.view.faces) counts[face.emotion] = (counts[face.emotion] ?? 0) + 1;
    return counts;
  }

  /** The longest side of the picture that is worth asking for. */
  get side() {
    return this.view.node.clientWidth * Math.min(window.devicePixelRatio || 1, 2) > 400 ? 640 : 320;
  }

  setVisible(visible) {
    if (visible && !this.visible) this.view.expect();
    this.visible = visible;
  }

  /** Once a second: `status` and `figures` of the camera, null where there are none; `programs` as of `workersOf`, with `obstacle`. */
  show(status, figures, programs) {
    this.condition = conditionOf(status, figures);
    this.figures = figures;
    const unseen = Boolean(programs.obstacle?.first);
    const { tone, badge, words } = unseen ? { tone: "", badge: texts.unseen, words: "" } : this.condition;
    mark(this.badge, "class", `badge ${tone}`);
    say(this.badge, badge);
    const live = !unseen && this.condition.group === "live" && figures?.results_per_second > 0;
    say(this.faceCount, live ? texts.faces(this.faces) : "");
    say(this.rate, live ? texts.rate(figures.results_per_second) : "");
    const said = this.view.tell(this.condition, programs);
    mark(this.link, "data-group", this.condition.group);
    mark(this.link, "aria-label", [this.name, words || said || badge, live && texts.faces(this.faces), live && this.told()].filter(Boolean).join(", "));
  }

  told() {
    return Object.entries(this.emotions)
      .map(([name, number]) => (number > 1 ? `${number} ${name}` : name))
      .join(", ");
  }

  close() {
    this.view.close();
    this.node.remove();
  }
}
