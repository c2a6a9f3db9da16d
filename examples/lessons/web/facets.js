// Filters as chips with counts: a group for each facet, and a range of minutes.

import { FACETS } from "./address.js";
import { button, byId, element } from "./dom.js";
import { capital, number } from "./wording.js";

const TITLES = { level: "Level", instrument: "Instrument", genre: "Genre", artist: "Artist" };
const ORDER = { level: ["beginner", "intermediate", "advanced"] };
const FEW = 6;

const opened = new Set(); // groups of which all is shown

// `change` is called with what of the asked is different now.
export function showFacets(facets, asked, change) {
  const focused = document.activeElement?.dataset?.chip;
  const box = byId("facets");
  const minutes = box.querySelector("fieldset.minutes") ?? minutesGroup(change);
  fillMinutes(minutes, asked);
  const groups = FACETS.map((name) => group(name, facets?.[name] ?? [], asked, change)).filter(Boolean);
  // The range stays where it is, as somebody may be typing in it.
  box.querySelectorAll("fieldset:not(.minutes)").forEach((old) => old.remove());
  if (!minutes.isConnected) box.append(minutes);
  minutes.before(...groups.slice(0, 2));
  minutes.after(...groups.slice(2));
  if (focused) box.querySelector(`[data-chip="${CSS.escape(focused)}"]`)?.focus();
}

export function label(name, value) {
  return name === "artist" ? value : capital(value);
}

function group(name, found, asked, change) {
  const chosen = asked[name];
  // What is chosen is there even where nothing is found any more, so that it can be taken back.
  const missing = chosen.filter((value) => !found.some((entry) => entry.value === value));
  let entries = [...found, ...missing.map((value) => ({ value, count: 0 }))];
  const order = ORDER[name];
  if (order) entries = entries.toSorted((one, other) => order.indexOf(one.value) - order.indexOf(other.value));
  if (!entries.length) return null;
  const all = opened.has(name);
  const shown = entries.filter(({ value }, place) => all || place < FEW || chosen.includes(value));
  return element("fieldset", {},
    element("legend", {}, TITLES[name]),
    element("div", { class: "chips" },
      shown.map(({ value, count }) => chip(name, value, count, chosen, change)),
      entries.length > FEW && button(all ? "Fewer" : `${entries.length - shown.length || ""} more`.trim(), () => {
        all ? opened.delete(name) : opened.add(name);
        change({});
      }, { class: "more-chips", "data-chip": `${name}:more`, "aria-expanded": String(all), "aria-label": `${all ? "Fewer" : "More"} of ${TITLES[name].toLowerCase()}` })));
}

function chip(name, value, count, chosen, change) {
  const on = chosen.includes(value);
  const next = on ? chosen.filter((other) => other !== value) : [...chosen, value];
  return element("button", {
    type: "button", class: "chip", "data-chip": `${name}:${value}`, "aria-pressed": String(on),
    onclick: () => change({ [name]: next }),
  }, element("span", { dir: "auto" }, label(name, value)), element("span", { class: "count" }, number(count)));
}

function minutesGroup(change) {
  const field = (name, text) => element("label", {}, element("span", {}, text),
    element("input", { type: "number", name, min: "0", max: "999", inputMode: "numeric", placeholder: "any" }));
  const made = element("fieldset", { class: "minutes" },
    element("legend", {}, "Length in minutes"),
    element("div", { class: "range" }, field("least", "from"), field("most", "to")));
  made.addEventListener("input", () => {
    const [least, most] = [...made.querySelectorAll("input")].map(({ value }) => value && String(Math.min(999, Math.max(0, Math.trunc(value)))));
    change({ minutes: least || most ? `${least}-${most}` : "" }, { typing: true });
  });
  return made;
}

function fillMinutes(made, asked) {
  const values = asked.minutes.split("-");
  made.querySelectorAll("input").forEach((input, place) => {
    if (input !== document.activeElement) input.value = values[place] ?? "";
  });
}
