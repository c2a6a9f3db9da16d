// One lesson: written, changed, published, deleted. Saved only on top of what one has seen; a request without an answer
// is sent again as it was, under its key, so that it is carried out once; and after a save the regions' searches are
// asked until it is found in each.

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
const LONGEST_WORDS = 200; // characters; the search takes some more
const MOST_COMMAS = 20; // in a filter: the search takes what stands between them for values
// What the API keeps of an item by itself, or what has a button of its own.
const KEPT = ["revision", "updated_at", "updated_by", "draft"];

export async function editView({ view, link, guard, replace, signal }, id) {
  let item = null; // as it was read or saved last
  let etag = null;
  let schema = null;
  let form = null;
  let busy = false;
  let unanswered = null; // the request of which one does not know whether it was carried out
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
    save();
  });
  guard(() => form !== null && changes() !== null);
  load();

  async function load() {
    try {
      schema ??= (await call(`${PATH}/schema`, { signal })).document;
      if (id) take(await call(`${PATH}/${encodeURIComponent(id)}`, { signal }));
      if (signal.aborted) return;
      quiet();
      fill(item ?? {});
      if (id) loadHistory();
      else fields.querySelector("input")?.focus();
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 404) return absent();
      explain(error, load);
    }
  }

  function take(answer) {
    item = answer.document;
    etag = answer.etag ?? `"${item.revision}"`;
  }

  function fill(values) {
    form = new SchemaForm(schema, values, { leave: left(), optional: ["id"], changed: showActions });
    fields.replaceChildren(form.element, element("button", { type: "submit", class: "hidden", tabIndex: -1, "aria-hidden": "true" }, "Save"));
    conflicts.replaceChildren();
    fields.inert = false;
    showState();
    showActions();
  }

  function left() {
    return item ? [...KEPT, "id"] : KEPT;
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
        act("save", "Save and publish", () => save(), { class: "primary", disabled: busy }),
        act("draft", "Save as a draft", () => save({ draft: true }), { disabled: busy }),
      ])));
    if (focused) actions.querySelector(`[data-action="${focused}"]:not(:disabled)`)?.focus();
  }

  function act(name, label, onclick, properties) {
    return button(label, onclick, { ...properties, "data-action": name });
  }

  async function save(also = {}) {
    if (busy) return;
    const wrong = form.problems;
    if (Object.keys(wrong).length) {
      form.show(wrong);
      return;
    }
    // What was typed since is saved on top of that.
    if (unanswered && !(await repeat())) return;
    if (!item) return send("POST", PATH, { body: { ...form.value, ...also } });
    const patch = changes();
    if (patch) await send("PATCH", pathOf(item), { body: patch, match: etag });
  }

  async function publish() {
    if (unanswered) return repeat();
    await send("POST", `${pathOf(item)}/${item.draft ? "publish" : "unpublish"}`, { match: etag });
  }

  async function remove() {
    if (unanswered) return repeat();
    const sure = await confirmed(`Delete “${text(item.title)}”?`, "It leaves the table and every region’s search. Its history stays.", "Delete", { danger: true });
    if (sure && !signal.aborted) await send("DELETE", pathOf(item), { match: etag });
  }

  function pathOf({ id: one }) {
    return `${PATH}/${encodeURIComponent(one)}`;
  }

  async function send(method, path, options) {
    if (busy) return;
    unanswered = { path, options: { method, key: crypto.randomUUID(), ...options }, sent: form.value, started: performance.now() };
    await repeat();
  }

  // Sends what has no answer yet; returns whether it is carried out now, and the lesson is still there.
  async function repeat() {
    if (busy || !unanswered || signal.aborted) return false;
    const request = unanswered;
    const { path, options, sent, started } = request;
    busy = true;
    showActions();
    try {
      const answer = await call(path, options);
      unanswered = null;
      busy = false;
      if (signal.aborted) return false;
      quiet();
      if (options.method === "DELETE") {
        removed(started);
        return false;
      }
      saved(answer, sent);
      watch(started);
      loadHistory();
      return true;
    } catch (error) {
      busy = false;
      if (!(error.passing || error.status === 401 || error.status >= 500)) unanswered = null;
      if (signal.aborted) return false;
      showActions();
      refused(error, () => {
        unanswered ??= request;
        repeat();
      });
      return false;
    }
  }

  // The lesson is as the answer says; what was typed since it was sent stays in the form.
  function saved(answer, sent) {
    const typed = changes(sent, form.value) ?? {};
    take(answer);
    if (!id) {
      id = item.id;
      replace(`?${new URLSearchParams({ id })}`);
    }
    const wanted = { ...item, ...typed };
    form.take(Object.fromEntries(Object.entries(wanted).filter(([name]) => typed[name] !== null)), left());
    showState();
    showActions();
  }

  function watch(started) {
    const wanted = item;
    found.hidden = false;
    found.scrollIntoView({ block: "nearest" });
    watchRegions(found, INDEX, wanted.id, {
      started,
      search: searchFor(wanted),
      gone: Boolean(wanted.draft),
      there: (document) => (wanted.draft ? document === null : document !== null && current(document, wanted)),
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
    watchRegions(box, INDEX, old, { started, search: searchFor(item), gone: true, there: (document) => document === null });
  }

  function refused(error, again) {
    if (error.status === 422 || (error.status === 400 && error.document?.problems)) {
      const rest = form.show(error.document.problems ?? {});
      if (Object.keys(rest).length) tell(notice(error.title, Object.entries(rest).map(([path, words]) => `${path} ${words}`).join("; "), [], "bad"));
    } else if (error.status === 409 && item && error.document.current) conflict(error.document.current);
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
      const values = Object.fromEntries(Object.entries(form.value).filter(([name]) => !KEPT.includes(name)));
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
      const { document: answer } = await call(`${pathOf(item)}/history`, { signal });
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

// A search that has the lesson among its first hits: its title's words, among few others by its artist and kind.
function searchFor(item) {
  const words = [...text(item.title)].slice(0, LONGEST_WORDS).join("");
  const filters = Object.fromEntries(["artist", "instrument", "level", "genre"].map((name) => [name, text(item[name])]));
  if (filters.artist.split(",").length > MOST_COMMAS) delete filters.artist; // it would be too many values
  return { ...filters, q: /[\p{L}\p{N}]/u.test(words) ? words : "" };
}

// Whether a document is as new as the item: by its revision where it has one, else by all that it says.
function current(document, item) {
  if (document.revision !== undefined) return document.revision >= (item.revision ?? 0);
  const names = Object.keys({ ...item, ...document }).filter((name) => !KEPT.includes(name));
  return names.every((name) => same(item[name], document[name]));
}
