// All lessons, drafts too, straight from the table.

import { meter } from "./card.js";
import { button, element, notice, text } from "./dom.js";
import { explain, quiet } from "./frame.js";
import { call } from "./session.js";
import { capital } from "./wording.js";

const SIZE = 30;
const TYPING_MS = 150;
const STATES = { all: "All", published: "Published", draft: "Drafts" };

export function listView({ view, link, replace, signal: left }, address) {
  let asked = { q: address.get("q") ?? "", state: STATES[address.get("state")] ? address.get("state") : "all" };
  let cursor = null;
  let asking = new AbortController();
  let timer = 0;
  document.title = "Lessons – Plectrum admin";

  const q = element("input", { type: "search", id: "list-q", placeholder: "Title or artist", value: asked.q, autocomplete: "off" });
  const states = element("div", { class: "segments", role: "group", "aria-label": "State" });
  const rows = element("ul", { class: "rows", id: "rows", "aria-label": "Lessons" });
  const more = button("Show more", () => load(true), { hidden: true });
  view.replaceChildren(
    element("div", { class: "head" },
      element("h1", {}, "Lessons"),
      element("div", { class: "actions" }, link("Import", "?import", { class: "button" }), link("New lesson", "?new", { class: "button primary" }))),
    element("div", { class: "tools" }, element("label", { for: "list-q", class: "hidden" }, "Title or artist"), q, states),
    rows, more);

  async function load(next = false) {
    asking.abort();
    asking = new AbortController();
    const signal = AbortSignal.any([asking.signal, left]);
    try {
      const parameters = { ...asked, size: SIZE, cursor: next ? cursor : "" };
      const { document: found } = await call("admin/lessons", { parameters, signal });
      if (signal.aborted) return;
      quiet();
      if (!next) rows.replaceChildren();
      rows.append(...found.items.map(row));
      cursor = found.cursor;
      more.hidden = !cursor;
      if (!rows.children.length) rows.append(element("li", { class: "none" }, empty()));
    } catch (error) {
      if (!signal.aborted) explain(error, () => load(next));
    }
  }

  function row(item) {
    return element("li", {},
      element("div", {},
        link(text(item.title) || text(item.id), `?${new URLSearchParams({ id: item.id })}`, { class: "title", dir: "auto" }),
        element("p", { class: "soft small", dir: "auto" }, text(item.artist))),
      element("span", { class: "soft small" }, capital(text(item.instrument))),
      element("span", { class: "soft small level" }, meter(item.level), capital(text(item.level))),
      element("span", { class: `badge ${item.draft ? "warn" : "good"}` }, item.draft ? "Draft" : "Published"));
  }

  function empty() {
    return notice(asked.q ? `No lessons for “${asked.q.slice(0, 60)}”` : asked.state === "draft" ? "No drafts" : "No lessons yet",
      asked.q ? "The list looks for the words of titles and artists." : asked.state === "draft" ? "Lessons that you save without publishing are listed here." : "Write the first one, or import many at once.");
  }

  function changed(different) {
    asked = { ...asked, ...different };
    const parameters = new URLSearchParams({ ...(asked.q && { q: asked.q }), ...(asked.state !== "all" && { state: asked.state }) });
    replace(parameters.size ? `?${parameters}` : "");
    showStates();
  }

  function showStates() {
    states.replaceChildren(...Object.entries(STATES).map(([state, label]) =>
      element("button", { type: "button", "aria-pressed": String(asked.state === state), onclick: () => {
        changed({ state });
        load();
        states.querySelector("[aria-pressed=true]").focus();
      } }, label)));
  }

  q.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (left.aborted) return;
      changed({ q: q.value.trim() });
      load();
    }, TYPING_MS);
  });
  showStates();
  load();
}
