// Many lessons at once, from JSONL or CSV, with a word on each line.

import { button, element, text } from "./dom.js";
import { explain, quiet } from "./frame.js";
import { call } from "./session.js";
import { count, number } from "./wording.js";

const MOST_BYTES = 4_000_000;
const MOST_ROWS = 500;
const OUTCOMES = { created: "good", updated: "good", unchanged: "", failed: "bad" };
const EXAMPLE = '{"id": "blackbird-the-beatles-guitar", "title": "Blackbird", "artist": "The Beatles", "instrument": "guitar", "level": "intermediate", "genre": "folk", "duration": 840}';

export function importView({ view, link, guard, signal }) {
  document.title = "Import – Plectrum admin";
  let name = "";
  const area = element("textarea", { id: "lines", rows: 10, spellcheck: false, class: "mono", dir: "auto", placeholder: EXAMPLE });
  const file = element("input", { type: "file", id: "file", accept: ".jsonl,.ndjson,.json,.csv,text/csv,application/x-ndjson" });
  const about = element("p", { class: "soft small", role: "status" });
  const submit = button("Import", () => send(), { class: "primary", disabled: true });
  const report = element("div", { id: "report", "aria-live": "polite" });
  const panel = element("div", { class: "panel import" },
    element("div", { class: "field" }, element("label", { for: "file" }, "A file"), file,
      element("span", { class: "hint" }, "JSONL: an object a line. CSV: names in the first line. Up to 4 MB.")),
    element("div", { class: "field" }, element("label", { for: "lines" }, "Or its lines"), area),
    about,
    element("div", { class: "actions" }, submit));
  view.replaceChildren(
    link("← All lessons", "", { class: "back" }),
    element("div", { class: "head" }, element("h1", {}, "Import lessons")),
    panel, report);
  guard(() => area.value.trim() !== "" && !report.children.length);

  file.addEventListener("change", () => file.files[0] && read(file.files[0]));
  panel.addEventListener("dragover", (event) => event.preventDefault());
  panel.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) read(event.dataTransfer.files[0]);
  });
  area.addEventListener("input", () => {
    name = "";
    look();
  });

  async function read(chosen) {
    name = chosen.name;
    area.value = chosen.size > MOST_BYTES ? "" : await chosen.text();
    look();
    if (chosen.size > MOST_BYTES) about.textContent = `${chosen.name} has ${(chosen.size / 1e6).toFixed(1)} MB; 4 MB are allowed. Split it.`;
  }

  function look() {
    const lines = area.value.split("\n").filter((line) => line.trim()).length;
    const rows = isCsv() ? lines - 1 : lines;
    submit.disabled = rows < 1;
    about.textContent = lines ? `${count(Math.max(0, rows), "lesson")}, as ${isCsv() ? "CSV" : "JSONL"}${name && ` from ${name}`}` : "";
  }

  function isCsv() {
    return name ? /\.csv$/i.test(name) : !area.value.trimStart().startsWith("{");
  }

  async function send() {
    await carryOn({ method: "POST", body: area.value, type: isCsv() ? "text/csv" : "application/x-ndjson" }, null);
  }

  // A request takes as many lines as it has time for, and says with which to go on.
  async function carryOn(lines, soFar) {
    submit.disabled = true;
    submit.textContent = soFar ? `Importing, ${number(soFar.lines.length)} done …` : "Importing …";
    try {
      do {
        const parameters = soFar ? { from: soFar.next } : {};
        const { document: outcome } = await call("admin/lessons/import", { ...lines, parameters });
        if (signal.aborted) return;
        soFar = soFar ? together(soFar, outcome) : outcome;
        submit.textContent = `Importing, ${number(soFar.lines.length)} done …`;
      } while (soFar.next);
      quiet();
      show(soFar);
    } catch (error) {
      if (signal.aborted) return;
      report.replaceChildren();
      explain(error, () => carryOn(lines, soFar));
    } finally {
      submit.disabled = false;
      submit.textContent = "Import";
    }
  }

  function together(one, other) {
    const counts = Object.keys(OUTCOMES).map((name) => [name, one[name] + other[name]]);
    return { ...Object.fromEntries(counts), lines: [...one.lines, ...other.lines], next: other.next };
  }

  function show(outcome) {
    const lines = outcome.lines.toSorted((one, other) => (other.outcome === "failed") - (one.outcome === "failed") || one.line - other.line);
    const heading = element("h2", { tabIndex: -1 }, outcome.failed ? `${count(outcome.failed, "line")} could not be imported` : "All lines are imported");
    report.replaceChildren(element("section", { class: `panel${outcome.failed ? " failed" : ""}` },
      heading,
      element("dl", { class: "counts" }, Object.keys(OUTCOMES).map((name) => element("div", {}, element("dt", {}, name), element("dd", {}, number(outcome[name]))))),
      element("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "Lines" }, element("table", {},
        element("thead", {}, element("tr", {}, ["Line", "Outcome", "Lesson", "What is wrong"].map((title) => element("th", { scope: "col" }, title)))),
        element("tbody", {}, lines.slice(0, MOST_ROWS).map(row)))),
      lines.length > MOST_ROWS && element("p", { class: "soft small" }, `And ${number(lines.length - MOST_ROWS)} more.`)));
    heading.focus();
  }

  function row({ line, id, outcome, problems = {} }) {
    return element("tr", {},
      element("td", { class: "tabular" }, number(line)),
      element("td", {}, element("span", { class: `badge ${OUTCOMES[outcome] ?? ""}` }, outcome)),
      element("td", {}, id && outcome !== "failed" ? link(text(id), `?${new URLSearchParams({ id })}`) : text(id)),
      element("td", {}, Object.entries(problems).map(([path, words]) => `${path} ${words}`.trim()).join("; ")));
  }
}
