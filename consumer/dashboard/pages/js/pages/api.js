// Everything that the page shows, for other programs: each operation with its parameters and an example, from /api/openapi.json.

import { el, fill } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { operationCard } from "../reference/operation.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.api;

export function mount(root, { api }) {
  const list = el("div", { class: "stack" }, el("div", { class: "skeleton api-skeleton" }));
  root.append(
    el(
      "div",
      { class: "page api" },
      el("header", { class: "page-head" }, el("h1", {}, texts.title), el("a", { class: "aside button", href: "/api/openapi.json", download: "openapi.json" }, icon("download"), texts.download)),
      el("p", { class: "lead" }, texts.lead),
      list,
    ),
  );
  api.get("/api/openapi.json").then(show, (error) => fill(list, el("p", { class: "notice bad", role: "alert" }, error.message)));

  function show(document) {
    const groups = new Map();
    for (const operation of operationsOf(document)) groups.set(operation.group, [...(groups.get(operation.group) ?? []), operation]);
    fill(
      list,
      [...groups].map(([name, operations]) =>
        el("section", { class: "stack api-group" }, el("h2", {}, name), operations.map((operation) => operationCard(operation, api))),
      ),
    );
  }
}

/** Of the document, one by one: {method, path, summary, description, parameters, body, answers, group}. */
function operationsOf({ paths }) {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => ["get", "post", "put", "delete"].includes(method))
      .map(([method, one]) => ({
        method: method.toUpperCase(),
        path,
        summary: one.summary ?? "",
        description: one.description ?? "",
        parameters: [...(methods.parameters ?? []), ...(one.parameters ?? [])],
        body: one.requestBody,
        answers: one.responses ?? {},
        group: texts.groups[path.split("/")[2] ?? "health"] ?? path,
      })),
  );
}
