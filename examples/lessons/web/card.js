// A lesson among the hits. Whatever a document holds is shown as text, and what it does not hold is left out.

import { element, text } from "./dom.js";
import { marked } from "./marks.js";
import { capital, length } from "./wording.js";

const LEVELS = ["beginner", "intermediate", "advanced"];

export function card({ id, document: lesson, highlights = {} }, from) {
  const field = (name) => (highlights[name] ? marked(highlights[name][0]) : [text(lesson[name])]);
  const album = [lesson.album, lesson.year].filter(Boolean).map(text).join(", ");
  const chords = [lesson.chords ?? []].flat();
  return element("li", { class: "card" },
    element("div", { class: "song" },
      element("h3", { dir: "auto" },
        element("a", { href: lessonAddress(id, from) }, ...(text(lesson.title) ? field("title") : ["Untitled lesson"]))),
      element("p", { class: "artist", dir: "auto" },
        element("span", {}, ...field("artist")), album && element("span", { class: "album" }, album))),
    element("ul", { class: "facts", "aria-label": "About this lesson" },
      lesson.instrument && element("li", {}, capital(text(lesson.instrument))),
      lesson.level && element("li", { class: "level" }, meter(lesson.level), capital(text(lesson.level))),
      length(lesson.duration) && element("li", {}, length(lesson.duration))),
    chords.length > 0 && chordList(chords.slice(0, 8)));
}

export function chordList(chords) {
  return element("ul", { class: "chords", "aria-label": "Chords" }, chords.map((chord) => element("li", {}, text(chord))));
}

// One to three bars; the word is beside them.
export function meter(level) {
  const filled = LEVELS.indexOf(level) + 1;
  return filled > 0 && element("span", { class: "meter", "aria-hidden": "true" },
    LEVELS.map((_, number) => element("i", { class: number < filled ? "on" : "" })));
}

export function lessonAddress(id, from) {
  return `lesson.html?${new URLSearchParams({ id, ...(from && { from }) })}`;
}
