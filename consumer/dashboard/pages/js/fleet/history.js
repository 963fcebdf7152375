// The last five minutes of the fleet's figures, kept from the first look at the fleet on, also while another page is shown.

const KEPT_S = 300;
const histories = new WeakMap();

/** The history that grows with each status of `live`; one for each `live`. */
export function historyOf(live) {
  if (!histories.has(live)) histories.set(live, new History(live));
  return histories.get(live);
}

class History {
  #looks = [];
  /** The newest status, or null. */
  newest = null;

  constructor(live) {
    if (live.status) this.#add(live.status);
    live.on("status", (status) => this.#add(status));
  }

  /** Values of the last five minutes, a second each, oldest first; null where one was not known. */
  of(name) {
    const before = new Array(Math.max(0, KEPT_S - this.#looks.length)).fill(null);
    return [...before, ...this.#looks.map((look) => look[name])];
  }

  #add(status) {
    this.newest = status;
    this.#looks.push({
      at: status.at,
      captured: status.rates?.captured ?? null,
      published: status.rates?.published ?? null,
      waiting: status.account?.in_flight ?? null,
      age: worstAge(status)?.age_p95_s ?? null,
    });
    while (this.#looks[0].at < status.at - KEPT_S) this.#looks.shift();
  }
}

/** The figures of the camera whose results come latest, with its `camera_id`; null where there are no results. */
export function worstAge(status) {
  const known = Object.entries(status.figures ?? {}).filter(([, figures]) => typeof figures.age_p95_s === "number");
  if (!known.length) return null;
  const [camera_id, figures] = known.reduce((worst, one) => (one[1].age_p95_s > worst[1].age_p95_s ? one : worst));
  return { camera_id, ...figures };
}
