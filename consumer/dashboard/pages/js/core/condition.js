// How a camera is, in words, from what its producer says of it.

import { clock } from "./times.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.condition;

/**
 * {group, tone, badge, words, why} of a CameraStatus (null: nobody says anything of the camera).
 *
 * `group` is "live", "down" or "ended", `tone` that of a badge, `badge` one word. `words` say since when, "" where all is well.
 */
export function conditionOf(status) {
  if (!status) return { group: "live", tone: "", badge: texts.unlisted, words: "", why: "" };
  if (status.silent_since !== null && status.silent_since !== undefined) {
    const words = texts.silent(clock(status.silent_since));
    return { group: "down", tone: "bad", badge: texts.badges.silent, words, why: texts.silentWhy(status.holder) };
  }
  const since = clock(status.last_frame_at ?? status.since);
  const rule = RULES[status.state];
  if (!rule) return { group: "live", tone: "", badge: status.state, words: "", why: "" };
  const words = rule.words ? rule.words(since, status.last_frame_at !== null) : "";
  return { group: rule.group, tone: rule.tone, badge: texts.badges[status.state], words, why: status.problem || rule.why || "" };
}

const RULES = {
  live: { group: "live", tone: "good" },
  connecting: { group: "down", tone: "warn", words: () => texts.connecting, why: texts.connectingWhy },
  down: { group: "down", tone: "bad", words: (since, seen) => (seen ? texts.down(since) : texts.neverUp) },
  stalled: { group: "down", tone: "bad", words: texts.stalled, why: texts.stalledWhy },
  frozen: { group: "down", tone: "bad", words: texts.frozen, why: texts.frozenWhy },
  held: { group: "down", tone: "warn", words: () => texts.held },
  ended: { group: "ended", tone: "", words: texts.ended },
};

/** {workers, previews}: whether anybody computes, and makes pictures, as far as a status says. */
export function workersOf(status) {
  const live = status.workers.filter((worker) => worker.silent_since === null);
  return {
    workers: live.length > 0 || status.hidden.includes("workers"),
    previews: live.some((worker) => (worker.previews ?? "off") !== "off"),
  };
}
