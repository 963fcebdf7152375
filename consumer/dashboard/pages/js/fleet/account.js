// Where every captured frame went: a bar that adds up, and its numbers.

import { el } from "../core/dom.js";
import { count } from "../shared/numbers.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.fleet;

/** The section of the account; `account` is null where this user may not see it. */
export function accountSection(account) {
  const head = el("header", { class: "card-head" }, el("h2", {}, texts.account), account && badge(account));
  if (!account) return el("section", { class: "card", "data-key": "account" }, head, el("p", { class: "table-empty" }, texts.unseen));
  const columns = columnsOf(account).filter((one) => one.frames > 0 || one.always);
  const all = Math.max(1, columns.reduce((sum, one) => sum + one.frames, 0));
  return el(
    "section",
    { class: "card", "data-key": "account" },
    head,
    el(
      "div",
      { class: "card-body stack fleet-account" },
      el("p", { class: "fleet-captured" }, el("strong", {}, count(account.captured)), texts.captured),
      el("div", { class: "fleet-bar", "aria-hidden": "true" }, columns.filter((one) => one.frames > 0).map((one) => part(one, all))),
      el("dl", { class: "fleet-columns" }, columns.map((one) => row(one, all))),
    ),
  );
}

function badge(account) {
  const well = -account.in_flight <= account.balance && account.balance <= 0;
  const off = account.balance > 0 ? `+${count(account.balance)}` : count(account.balance);
  return el("span", { class: `badge ${well ? "good" : "bad"}` }, well ? texts.balances : texts.offBy(off));
}

function columnsOf(account) {
  const reasons = (kind, frames) => Object.entries(frames).map(([reason, number]) => ({ kind, reason, frames: number }));
  return [
    { kind: "published", frames: account.published, always: true },
    ...reasons("dropped", account.dropped),
    { kind: "expired", frames: account.expired, always: true },
    ...reasons("dead", account.dead),
    { kind: "flight", frames: account.in_flight, always: true },
  ];
}

function part({ kind, reason, frames }, all) {
  return el("span", { class: `fleet-part ${kind}`, "data-key": `${kind}.${reason ?? ""}`, style: { flexGrow: `${(frames / all) * 1000}` } });
}

function row({ kind, reason, frames }, all) {
  const share = frames / all;
  const said = share > 0 && share < 0.001 ? texts.underOne : `${(share * 100).toFixed(1)} %`;
  return el(
    "div",
    { "data-key": `${kind}.${reason ?? ""}` },
    el("dt", {}, el("span", { class: `fleet-part ${kind}`, "aria-hidden": "true" }), texts.columns[kind], reason && el("code", {}, reason)),
    el("dd", {}, el("span", {}, count(frames)), el("span", { class: "muted" }, said)),
  );
}
