// How a camera is, in words, from what its producer says of it.

import { capital } from "./dom.js";
import { clock } from "./times.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.condition;

/**
 * {group, tone, badge, words, why, framesAt} of a CameraStatus. Null: no producer says anything of the camera; it is there only as
 * long as it gives results, and has `figures`.
 *
 * `framesAt` is when its producer last had a frame, null where that is not said. `group` is "live", "down" or "ended", `tone` that of a badge, `badge` one word. `words` say since when, "" where all is well.
 */
export function conditionOf(status, figures = null) {
  return { ...saidOf(status, figures), framesAt: status?.last_frame_at ?? null };
}

function saidOf(status, figures) {
  if (!status) return { group: figures ? "live" : "ended", tone: "", badge: texts.unlisted, words: figures ? "" : texts.gone, why: "" };
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

/**
 * {words, why, first} of what keeps every camera from having results, as the fleet has it; null where nothing does. `first`: no
 * status is renewed either, so what is known of cameras is of before. `away` is why Redis cannot be seen, "" where it can.
 */
export function obstacleOf(status, away = "") {
  if (away) return { words: awayWords(away), why: texts.before, first: true };
  const problem = (status?.problems ?? []).find((one) => Object.hasOwn(OBSTACLES, one.topic));
  return problem ? OBSTACLES[problem.topic](problem) : null;
}

/** What a Redis that gives no answer, or refuses, is called where there is no room for its words. */
export function awayWords(what) {
  return /answer/i.test(what) ? texts.redisAway : texts.redisRefuses;
}

const OBSTACLES = {
  "redis-full": ({ do: help }) => ({ words: texts.redisFull, why: sentence(help), first: true }),
  "wrong-prefix": ({ what, do: help }) => ({ words: capital(what), why: sentence(help), first: false }),
  "no-worker": ({ do: help }) => ({ words: texts.noWorker, why: sentence(help), first: false }),
};

function sentence(words) {
  return `${capital(words)}.`;
}

/** {workers, previews}: whether anybody computes, and makes pictures, as far as a status says. */
export function workersOf(status) {
  const live = status.workers.filter((worker) => worker.silent_since === null);
  return {
    workers: live.length > 0 || status.hidden.includes("workers"),
    previews: live.some((worker) => (worker.previews ?? "off") !== "off"),
  };
}
