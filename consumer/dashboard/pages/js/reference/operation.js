// One operation of the API: what it does, its parameters, a line for `curl`, and for reading ones a try.

import { el, fill, prose, say } from "../core/dom.js";
import { pretty } from "../shared/pretty.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.api;
const MOST_SHOWN = 20000;
let cards = 0;

/** A card that opens. */
export function operationCard(operation, api) {
  const { method, path, summary, description, parameters, answers } = operation;
  const id = `operation-${++cards}`;
  const form = el("form", { class: "stack api-form", onsubmit: attempt, oninput: showCurl });
  const curl = el("code", { class: "command" });
  const answer = el("div", { class: "api-answer", role: "status" });
  fill(
    form,
    parameters.length > 0 && el("div", { class: "api-parameters" }, parameters.map((one) => field(one, id))),
    el("div", { class: "field" }, el("span", { class: "label" }, texts.example), curl),
    tryable(operation) ? el("div", { class: "toolbar" }, el("button", { class: "button primary", type: "submit" }, texts.attempt)) : el("p", { class: "muted" }, reasonOf(operation)),
    answer,
  );
  showCurl();
  return el(
    "details",
    { class: "card api-operation" },
    el("summary", {}, el("span", { class: `api-method ${method.toLowerCase()}` }, method), el("code", { class: "api-path" }, path), el("span", { class: "muted" }, prose(summary))),
    el("div", { class: "card-body stack" }, description && el("p", { class: "lead" }, prose(description)), form, responses(answers)),
  );

  function address() {
    const given = new FormData(form);
    let filled = path;
    const query = new URLSearchParams();
    for (const { name, in: where } of parameters) {
      const value = given.get(name) ?? "";
      if (where === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(value || `{${name}}`).replaceAll("%7B", "{").replaceAll("%7D", "}"));
      else if (where === "query" && value) query.set(name, value);
    }
    return query.size ? `${filled}?${query}` : filled;
  }

  function showCurl() {
    say(curl, curlOf(operation, `${location.origin}${address()}`));
  }

  async function attempt(event) {
    event.preventDefault();
    fill(answer, el("p", { class: "muted" }, TEXTS.common.loading));
    try {
      const said = pretty(await api.get(address()));
      const text = said.length > MOST_SHOWN ? `${said.slice(0, MOST_SHOWN)}\n${texts.cut}` : said;
      fill(answer, el("pre", { class: "json", tabindex: "0", "aria-label": texts.answer }, text));
    } catch (error) {
      fill(answer, el("p", { class: "notice bad" }, `${error.status || ""} ${error.message}`.trim()));
    }
  }
}

function field({ name, in: where, required, description, schema }, id) {
  const input = el("input", { class: "input", name, id: `${id}-${name}`, required: required && where === "path", placeholder: schema?.default ?? "", autocomplete: "off" });
  const hint = description && el("span", { class: "hint" }, description);
  return el("div", { class: "field" }, el("label", { for: `${id}-${name}` }, el("code", {}, name), ` ${texts.where[where] ?? where}`), input, hint);
}

function responses(answers) {
  const rows = Object.entries(answers).map(([status, { description }]) => [el("dt", {}, el("code", {}, status)), el("dd", {}, prose(description))]);
  return rows.length > 0 && el("dl", { class: "api-responses" }, rows);
}

/** What gives JSON and changes nothing can be tried here. */
function tryable({ method, answers }) {
  return method === "GET" && Object.keys(answers["200"]?.content ?? {}).some((type) => type.includes("json"));
}

function reasonOf({ method }) {
  return method === "GET" ? texts.noJson : texts.changes;
}

function curlOf({ method, body }, url) {
  const types = Object.keys(body?.content ?? {});
  const words = ["curl", method === "GET" ? "" : `-X ${method}`, "-H 'Authorization: Bearer '\"$TOKEN\""];
  if (types.some((type) => type.includes("json"))) words.push("-H 'Content-Type: application/json'", "-d @body.json");
  else if (types.length) words.push(`-H 'Content-Type: ${types.find((type) => !type.includes("*")) ?? "image/jpeg"}'`, "--data-binary @picture.jpg");
  return [...words.filter(Boolean), `'${url}'`].join(" ");
}
