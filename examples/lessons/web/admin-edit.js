// One lesson: written, changed, published, deleted. Saved only on top of what one has seen; and after a save the regions
// are asked until it can be found in each.

import { conflictView, same, shown } from "./conflict.js";
import { confirmed } from "./dialogs.js";
import { button, element, notice, text } from "./dom.js";
import { watchRegions } from "./findable.js";
import { explain, quiet, tell } from "./frame.js";
import { SchemaForm } from "./schema-form.js";
import { call } from "./session.js";
import { ago, capital, time } from "./wording.js";

const INDEX = "lessons";
const PATH = "admin/lessons";
const ACTIONS = {
  create: "Written", patch: "Changed", replace: "Replaced", publish: "Published", unpublish: "Unpublished",
  delete: "Deleted", import: "Imported",
};
// What the API keeps of an item by itself, or what has a button of its own.
const KEPT = ["revision", "updated_at", "updated_by", "draft"];

export async function editView({ view, go, link, guard, replace }, id) {
  let item = null; // as it was read or saved last
  let etag = null;
  let schema = null;
  let form = null;
  let busy = false;
  const title = element("h1", { dir: "auto" }, id ? " " : "New lesson");
  const state = element("div", { class: "state-line" });
  const conflicts = element("div");
  const fields = element("form", { id: "lesson-form", noValidate: true, "aria-label": "Lesson" });
  const actions = element("div", { class: "save-bar" });
  const found = element("section", { class: "panel", hidden: true, "aria-label": "Search" });
  const history = element("section", { class: "panel", hidden: true });
  document.title = `${id ? "Edit" : "New lesson"} – Plectrum admin`;
  view.replaceChildren(
    link("← All lessons", "", { class: "back" }),
    element("div", { class: "head" }, title, state),
    conflicts,
    element("div", { class: "edit" },
      found,
      element("div", { class: "panel form" }, fields),
      history),
    actions);
  fields.addEventListener("submit", (event) => {
    event.preventDefault();
    save(!item);
  });
  guard(() => form !== null && changes() !== null);
  load();

  async function load() {
    try {
      schema ??= (await call(`${PATH}/schema`)).document;
      if (id) take(await call(`${PATH}/${encodeURIComponent(id)}`));
      quiet();
      fill(item ?? {});
      if (id) loadHistory();
      else fields.querySelector("input")?.focus();
    } catch (error) {
      if (error.status === 404) return absent();
      explain(error, load);
    }
  }

  function take(answer) {
    item = answer.document;
    etag = answer.etag ?? `"${item.revision}"`;
  }

  function fill(values) {
    form = new SchemaForm(schema, values, { leave: item ? [...KEPT, "id"] : KEPT, optional: ["id"], changed: showActions });
    fields.replaceChildren(form.element, element("button", { type: "submit", class: "hidden", tabIndex: -1, "aria-hidden": "true" }, "Save"));
    conflicts.replaceChildren();
    fields.inert = false;
    showState();
    showActions();
  }

  // A merge patch from what was read to what the form says; null for no difference.
  function changes(from = item ?? {}, to = form.value) {
    const patch = {};
    for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
      if (!KEPT.includes(name) && !same(from[name], to[name])) patch[name] = to[name] ?? null;
    }
    return Object.keys(patch).length ? patch : null;
  }

  function showState() {
    if (!item) return state.replaceChildren(element("span", { class: "badge" }, "Not saved yet"));
    title.textContent = text(item.title) || text(item.id);
    document.title = `${title.textContent} – Plectrum admin`;
    state.replaceChildren(
      element("span", { class: `badge ${item.draft ? "warn" : "good"}` }, item.draft ? "Draft" : "Published"),
      element("span", { class: "soft small" }, `Revision ${item.revision ?? 0}`),
      !item.draft ? element("a", { class: "small", href: `lesson.html?${new URLSearchParams({ id: item.id })}` }, "See it as others do") : "");
  }

  function showActions() {
    const clean = item !== null && changes() === null;
    if (conflicts.children.length) return actions.replaceChildren(); // that has buttons of its own
    const focused = document.activeElement?.dataset?.action;
    actions.replaceChildren(element("div", { class: "wide" }, ...(item
      ? [
        act("save", "Save", () => save(), { class: "primary", disabled: busy || clean }),
        act("publish", item.draft ? "Publish" : "Unpublish", () => publish(), { disabled: busy || !clean, title: clean ? "" : "Save first" }),
        element("span", { class: "soft small status", role: "status" }, clean ? "All changes are saved" : "Not saved yet"),
        act("delete", "Delete", () => remove(), { class: "danger", disabled: busy }),
      ]
      : [
        act("save", "Save and publish", () => save(true), { class: "primary", disabled: busy }),
        act("draft", "Save as a draft", () => save(true, { draft: true }), { disabled: busy }),
      ])));
    if (focused) actions.querySelector(`[data-action="${focused}"]:not(:disabled)`)?.focus();
  }

  function act(name, label, onclick, properties) {
    return button(label, onclick, { ...properties, "data-action": name });
  }

  async function save(create = false, also = {}) {
    const wrong = form.problems;
    if (Object.keys(wrong).length) {
      form.show(wrong);
      return;
    }
    if (create) return send("POST", PATH, { body: { ...form.value, ...also } }, () => save(create, also));
    const patch = changes();
    if (patch) await send("PATCH", pathOf(item), { body: patch, match: etag }, () => save());
  }

  async function publish() {
    await send("POST", `${pathOf(item)}/${item.draft ? "publish" : "unpublish"}`, { match: etag }, publish);
  }

  async function remove() {
    const sure = await confirmed(`Delete “${text(item.title)}”?`, "It leaves the table and every region’s search. Its history stays.", "Delete", { danger: true });
    if (sure) await send("DELETE", pathOf(item), { match: etag }, remove);
  }

  function pathOf({ id: one }) {
    return `${PATH}/${encodeURIComponent(one)}`;
  }

  async function send(method, path, options, again) {
    busy = true;
    showActions();
    const started = performance.now();
    try {
      const answer = await call(path, { method, ...options });
      quiet();
      if (method === "DELETE") return removed(started);
      take(answer);
      if (!id) {
        id = item.id;
        replace(`?${new URLSearchParams({ id })}`);
      }
      busy = false;
      fill(item);
      watch(started);
      loadHistory();
    } catch (error) {
      busy = false;
      showActions();
      refused(error, again);
    } finally {
      busy = false;
    }
  }

  function watch(started) {
    const { draft, revision } = item;
    const wanted = item;
    found.hidden = false;
    found.scrollIntoView({ block: "nearest" });
    watchRegions(found, INDEX, item.id, {
      started,
      gone: Boolean(draft),
      there: (document) => (draft ? document === null : document !== null && current(document, wanted, revision)),
    });
  }

  function removed(started) {
    guard(() => false);
    const { id: old } = item;
    const box = element("section", { class: "panel", "aria-label": "Search" });
    document.title = "Deleted – Plectrum admin";
    actions.remove();
    view.replaceChildren(link("← All lessons", "", { class: "back" }),
      notice(`“${text(item.title)}” is deleted`, "Its history is kept under its id."), box);
    watchRegions(box, INDEX, old, { started, gone: true, there: (document) => document === null });
  }

  async function refused(error, again) {
    if (error.status === 422 || (error.status === 400 && error.document?.problems)) {
      const rest = form.show(error.document.problems ?? {});
      if (Object.keys(rest).length) tell(notice(error.title, Object.entries(rest).map(([path, words]) => `${path} ${words}`).join("; "), [], "bad"));
    } else if (error.status === 409 && item) conflict(error.document.current ?? (await call(pathOf(item))).document);
    else if (error.status === 409) tell(notice("There is such a lesson already", error.message, [
      error.document.current && link("Open that one", `?${new URLSearchParams({ id: error.document.current.id })}`, { class: "button" }),
    ], "bad"));
    else if (error.status === 404) absent();
    else explain(error, again);
  }

  function conflict(theirs) {
    quiet();
    const base = item;
    const mine = form.value;
    item = theirs;
    etag = `"${theirs.revision}"`;
    const names = (one) => Object.fromEntries(Object.entries(one).filter(([name]) => !KEPT.includes(name)));
    const view = conflictView(names(base), names(mine), names(theirs), {
      title: (name) => schema.properties[name]?.title ?? capital(name),
      drop: () => fill(item),
      save: (chosen) => {
        fill(chosen);
        if (changes()) save();
      },
    });
    conflicts.replaceChildren(view);
    fields.inert = true;
    showState();
    showActions();
    view.focus();
    view.scrollIntoView({ block: "start" });
    loadHistory();
  }

  function absent() {
    guard(() => false);
    actions.replaceChildren();
    const again = form && button("Write it anew", () => {
      const values = form.value;
      item = etag = id = null;
      quiet();
      guard(() => changes() !== null);
      title.textContent = "New lesson";
      fill(values);
    });
    tell(notice("There is no such lesson", form ? "Somebody has deleted it meanwhile. What you wrote is still here." : "It may have been deleted.",
      [link("All lessons", "", { class: "button primary" }), again]));
  }

  async function loadHistory() {
    try {
      const { document: answer } = await call(`${pathOf(item)}/history`);
      showHistory(answer.entries);
    } catch {
      history.hidden = true; // the lesson can be edited all the same
    }
  }

  function showHistory(entries) {
    history.hidden = false;
    const name = (path) => schema.properties[path.replace(/^\//, "")]?.title ?? path;
    history.replaceChildren(
      element("h2", {}, "History"),
      entries.length
        ? element("ol", { class: "history" }, entries.map((entry) => element("li", {},
          element("p", {}, element("strong", {}, ACTIONS[entry.action] ?? capital(entry.action)), " ", element("time", { dateTime: entry.at, title: time(entry.at), class: "soft small" }, ago(entry.at))),
          element("p", { class: "soft small" }, `Revision ${entry.revision}, by ${text(entry.by)}`),
          entry.changes?.length > 0 && entry.action !== "create" && element("details", {},
            element("summary", {}, entry.changes.map(({ path }) => name(path)).slice(0, 4).join(", ")),
            element("dl", {}, entry.changes.map(({ path, from, to }) => element("div", {},
              element("dt", {}, name(path)),
              element("dd", {}, shown(from), element("span", { class: "soft", "aria-label": "became" }, " → "), shown(to)))))))))
        : element("p", { class: "soft small" }, "No changes yet since it was loaded."));
  }
}

// Whether a document is as new as the item: by its revision where it has one, else by all that it says.
function current(document, item, revision) {
  if (document.revision !== undefined) return document.revision >= revision;
  const names = Object.keys({ ...item, ...document }).filter((name) => !KEPT.includes(name));
  return names.every((name) => same(item[name], document[name]));
}
