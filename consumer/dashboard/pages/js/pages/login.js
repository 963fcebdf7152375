// Log in, with a name and a password, or with a token.

import { el, fill, say } from "../core/dom.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.login;

export function mount(root, { api, session, go, params }) {
  if (session?.role) {
    // Whoever follows a link of another site comes here first: the browser does not bring the cookie along (SameSite).
    go(nextOf(params.query), { replace: true });
    return undefined;
  }
  const known = session?.logins ?? [];
  const wrongToken = known.includes("token") && params.query.get("wrong") === "token";
  let way = wrongToken ? "token" : known[0];
  const problem = el("p", { class: "notice bad", role: "alert", hidden: true });
  const fields = el("div", { class: "stack" });
  const button = el("button", { class: "button primary", type: "submit" }, texts.enter);
  const ways = el("div", { class: "segmented", role: "group", "aria-label": texts.ways }, known.map(wayButton));
  ways.hidden = known.length < 2;
  const form = el("form", { class: "card card-body login-card", onsubmit: enter }, el("div", {}, el("h1", {}, texts.title), el("p", { class: "muted" }, texts.lead)), ways, fields, problem, button);
  root.append(el("div", { class: "page login" }, form));
  if (way) choose(way);
  button.hidden = !way;
  if (wrongToken || !way) {
    say(problem, way ? texts.wrongToken : texts.byProxy);
    problem.hidden = false;
  }

  function wayButton(name) {
    return el("button", { type: "button", dataset: { way: name }, onclick: () => choose(name) }, texts[name]);
  }

  function choose(name) {
    way = name;
    for (const one of ways.children) one.setAttribute("aria-pressed", String(one.dataset.way === name));
    problem.hidden = true;
    if (name === "token") fill(fields, field("token", texts.token, "password", "off"));
    else fill(fields, field("name", texts.name, "text", "username"), field("password", texts.password, "password", "current-password"));
    fields.querySelector("input").focus();
  }

  async function enter(event) {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(form));
    button.disabled = true;
    problem.hidden = true;
    try {
      await api.send("POST", "/api/login", way === "token" ? { token: given.token } : { name: given.name, password: given.password });
    } catch (error) {
      say(problem, error.retryAfter ? texts.wait(error.message, error.retryAfter) : error.message);
      problem.hidden = false;
      button.disabled = false;
      fields.querySelector("input:last-of-type").focus();
      return;
    }
    await go(nextOf(params.query), { replace: true, signedIn: true });
  }
}

function field(name, label, type, autocomplete) {
  const input = el("input", { class: "input", id: `login-${name}`, name, type, autocomplete, required: true, autocapitalize: "none", spellcheck: "false" });
  return el("div", { class: "field" }, el("label", { for: `login-${name}` }, label), input);
}

/** Where somebody wanted to go before; an address of this site, or the wall. */
function nextOf(query) {
  const wanted = query.get("next") ?? "/";
  if (!URL.canParse(wanted, location.origin)) return "/";
  const url = new URL(wanted, location.origin);
  return url.origin === location.origin ? url.href : "/";
}
