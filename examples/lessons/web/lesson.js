// One lesson, as the nearest region's index has it, and others of its artist.

import { ask, Problem } from "./api.js";
import { chordList, lessonAddress, meter } from "./card.js";
import { button, byId, element, notice, text } from "./dom.js";
import { places, regionName } from "./places.js";
import { Retrying } from "./retrying.js";
import { capital, day, length, milliseconds } from "./wording.js";

const box = byId("lesson");
const address = new URLSearchParams(location.search);
const id = address.get("id") ?? "";
const from = address.get("from") ?? "";
const retrying = new Retrying();

async function load() {
  try {
    if (!id) return absent();
    const { routed } = await places();
    const answer = await ask(routed, `lessons/${encodeURIComponent(id)}`, { parameters: { from } });
    retrying.succeeded();
    show(answer.document.document);
    byId("answered").textContent = `${answer.region ? `${regionName(answer.region)} answered` : "Answered"} in ${milliseconds(answer.time)}.`;
    others(routed, answer.document.document);
  } catch (error) {
    explain(error);
  }
}

function show(lesson) {
  const title = text(lesson.title) || "Untitled lesson";
  const artist = text(lesson.artist);
  document.title = `${title}${artist && `, ${artist}`} – Plectrum`;
  const facts = [
    ["Album", text(lesson.album)], ["Year", text(lesson.year)], ["Genre", capital(text(lesson.genre))],
    ["Tuning", text(lesson.tuning)], ["Key", text(lesson.key)], ["Tempo", lesson.tempo && `${text(lesson.tempo)} BPM`],
    ["Taught by", text(lesson.instructor)], ["Published", day(lesson.published)],
  ].filter(([, value]) => value);
  const chords = [lesson.chords ?? []].flat();
  const tags = [lesson.tags ?? []].flat();
  box.replaceChildren(
    back(),
    element("header", {},
      element("h1", { dir: "auto" }, title),
      artist && element("p", { dir: "auto" }, artist),
      element("ul", { class: "facts", "aria-label": "About this lesson" },
        lesson.instrument && element("li", {}, capital(text(lesson.instrument))),
        lesson.level && element("li", { class: "level" }, meter(lesson.level), capital(text(lesson.level))),
        length(lesson.duration) && element("li", {}, length(lesson.duration)))),
    element("div", { class: "lesson-body" },
      element("div", { class: "stack" },
        lesson.description && panel("What you will play", element("p", { dir: "auto" }, text(lesson.description))),
        chords.length > 0 && panel("Chords", chordList(chords)),
        element("section", { class: "panel", id: "others", hidden: true })),
      element("div", { class: "stack" },
        panel("Details", element("dl", {}, facts.flatMap(([term, value]) =>
          [element("dt", {}, term), element("dd", { dir: "auto" }, value)]))),
        tags.length > 0 && panel("Tags", element("ul", { class: "chips" }, tags.map((tag) => element("li", { class: "badge" }, text(tag))))),
        element("a", { class: "button", href: `admin.html?${new URLSearchParams({ id })}` }, "Edit this lesson"))));
}

function panel(title, ...content) {
  return element("section", { class: "panel" }, element("h2", {}, title), ...content);
}

function back() {
  // Back to what was found, where one came from there.
  const found = sessionStorage.getItem("found") ?? (from && `?${new URLSearchParams({ from })}`);
  return element("a", { class: "back", href: `index.html${found}` }, element("span", { "aria-hidden": "true" }, "←"), "Lessons");
}

async function others(base, lesson) {
  if (!lesson.artist) return;
  const list = byId("others");
  try {
    const parameters = { q: text(lesson.artist), size: 7, from };
    const { document: found } = await ask(base, "search", { parameters });
    const hits = found.hits.filter((hit) => hit.id !== id && hit.document.artist === lesson.artist).slice(0, 5);
    if (!hits.length) return;
    list.replaceChildren(
      element("h2", {}, `More by ${text(lesson.artist)}`),
      element("ul", { class: "others" }, hits.map((hit) => element("li", {},
        element("a", { href: lessonAddress(hit.id, from) },
          element("span", { dir: "auto" }, text(hit.document.title)),
          element("span", { class: "soft small" }, [hit.document.instrument, hit.document.level].filter(Boolean).map(text).map(capital).join(", ")))))));
    list.hidden = false;
  } catch {
    // The lesson is there all the same.
  }
}

function absent() {
  document.title = "No such lesson – Plectrum";
  box.replaceChildren(back(), notice("There is no such lesson", "It may have been removed, or not been published yet.", [
    element("a", { class: "button primary", href: "index.html" }, "Search for a song"),
  ]));
}

function explain(error) {
  if (!(error instanceof Problem)) error = new Problem({ title: "No answer", detail: error.message });
  if (error.status === 404) return absent();
  if (!error.passing) return box.replaceChildren(back(), notice(error.title, error.message, [button("Try again", load, { class: "primary" })]));
  if (!box.querySelector(".away")) {
    box.replaceChildren(back(), notice(
      error.region ? `${regionName(error.region)} cannot show it right now` : "The lesson is out of reach",
      "This page keeps trying by itself.", [button("Try now", () => retrying.now(), { class: "primary" })], "away"));
  }
  retrying.later(load, { retryAfter: error.retryAfter });
}

load();
