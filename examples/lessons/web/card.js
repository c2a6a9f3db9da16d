// A lesson as an element. Whatever a document holds is shown as text, and what it does not hold is left out.

import { marked } from "./marks.js";

export function card({ document: lesson, highlights = {} }) {
  const field = (name) => (highlights[name] ? marked(highlights[name][0]) : [text(lesson[name])]);
  const album = [lesson.album, lesson.year].filter(Boolean).map(text).join(", ");
  const facts = [
    ["Tuning", lesson.tuning],
    ["Key", lesson.key],
    ["Tempo", lesson.tempo && `${text(lesson.tempo)} BPM`],
    ["Length", lesson.duration && minutes(lesson.duration)],
  ].filter(([, value]) => value);
  const byline = [lesson.instructor && `Taught by ${text(lesson.instructor)}`, day(lesson.published)].filter(Boolean);

  return element("li", { className: "card" }, [
    element("div", { className: "tags" }, [
      lesson.level && element("span", { className: "level", dataset: { level: text(lesson.level) } }, [text(lesson.level)]),
      lesson.instrument && element("span", {}, [text(lesson.instrument)]),
      lesson.genre && element("span", {}, [text(lesson.genre)]),
    ]),
    element("h2", { tabIndex: -1, dir: "auto" }, lesson.title ? field("title") : ["Untitled lesson"]),
    element("p", { className: "artist", dir: "auto" }, [
      ...field("artist"),
      album && element("span", { className: "album" }, [album]),
    ]),
    lesson.description && element("p", { className: "description", dir: "auto" }, field("description")),
    lesson.chords?.length > 0 &&
      element("ul", { className: "chords", ariaLabel: "Chords" },
        [lesson.chords].flat().map((chord) => element("li", {}, [text(chord)]))),
    element("dl", {}, facts.map(([term, value]) =>
      element("div", {}, [element("dt", {}, [term]), element("dd", {}, [text(value)])]))),
    byline.length > 0 && element("p", { className: "byline" }, [byline.join(" · ")]),
  ]);
}

export function element(name, { dataset = {}, ...properties }, children) {
  const made = Object.assign(document.createElement(name), properties);
  Object.assign(made.dataset, dataset);
  made.append(...children.filter(Boolean));
  return made;
}

function text(value) {
  return value === undefined || value === null ? "" : String(value);
}

function minutes(seconds) {
  return Number.isFinite(seconds) ? `${Math.max(1, Math.round(seconds / 60))} min` : text(seconds);
}

function day(published) {
  const date = new Date(`${published}T00:00:00`);
  return Number.isNaN(date.valueOf()) ? "" : date.toLocaleDateString("en", { dateStyle: "medium" });
}
