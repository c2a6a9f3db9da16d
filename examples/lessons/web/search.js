// The search page. `asked` is what is wanted; it stands in the controls and, once one has stopped typing, in the
// address. `find` brings the hits in step with it; answers that are out of date are dropped.

import { FACETS, filtered, fromAddress, toAddress, toParameters, withoutFilters } from "./address.js";
import { ask, Problem } from "./api.js";
import { card } from "./card.js";
import { button, byId, element, notice } from "./dom.js";
import { label, showFacets } from "./facets.js";
import { fillLocations, places, regionName } from "./places.js";
import { Retrying } from "./retrying.js";
import { Suggestions } from "./suggestions.js";
import { count, milliseconds } from "./wording.js";

const SIZE = 20;
const LONGEST = 256; // characters that the API takes
const TYPING_MS = 90;
const SETTLED_MS = 900;
const SLOW_MS = 400;
const TITLE = document.title;

const [field, hits, more, state, meant, said, sort, from] =
  ["q", "hits", "more", "summary", "meant", "notice", "sort", "from"].map(byId);

let asked = fromAddress();
let cursor = null;
let facets = null;
let instead = null; // the region that is asked by name, as the nearest is away
let asking = new AbortController();
let typing = 0;
let settling = 0;
let shown = new Set(); // ids, as a lesson can move to the next page while one reads this one
const retrying = new Retrying();
const suggestions = new Suggestions(field, byId("suggestions"), ({ title, artist }) => {
  field.value = `${title} ${artist}`;
  change({ q: field.value });
});

// Asks for the first page of what is wanted, or for the next one. A request under way is no longer wanted.
async function find({ next = false, suggest = false } = {}) {
  clearTimeout(typing);
  retrying.cancel();
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const slow = setTimeout(() => hits.setAttribute("aria-busy", "true"), SLOW_MS);
  more.disabled = true;
  try {
    if (asked.q.trim().length > LONGEST) return tooLong();
    const { routed, regions } = await places();
    signal.throwIfAborted();
    const base = instead ? regions[instead] : routed;
    const words = asked.q.trim();
    if (suggest && words) suggestFor(base, words, signal);
    const parameters = { ...toParameters(asked), size: SIZE, ...(next ? { cursor } : {}) };
    if (instead) delete parameters.from;
    const answer = await ask(base, "search", { parameters, signal });
    retrying.succeeded();
    show(answer, next);
  } catch (error) {
    if (!signal.aborted) explain(error, next);
  } finally {
    clearTimeout(slow);
    if (asking.signal === signal) {
      hits.removeAttribute("aria-busy");
      more.disabled = false;
    }
  }
}

async function suggestFor(base, q, signal) {
  try {
    const { document: answer } = await ask(base, "suggest", { parameters: { q, size: 6, from: instead ? "" : asked.from }, signal });
    suggestions.show(answer.suggestions);
  } catch {
    if (!signal.aborted) suggestions.close(); // they are only a help: the search says what is the matter
  }
}

function show({ document: result, region, time, serverTime }, next) {
  const focused = links().indexOf(document.activeElement);
  if (!next) {
    shown = new Set();
    hits.replaceChildren();
    facets = result.facets ?? null;
  }
  cursor = result.cursor ?? null;
  const fresh = result.hits.filter(({ id }) => !shown.has(id));
  const cards = fresh.map((hit) => card(hit, asked.from));
  fresh.forEach(({ id }) => shown.add(id));
  hits.append(...cards);
  if (next) cards[0]?.querySelector("a").focus();
  else if (focused >= 0) (links()[focused] ?? links()[0] ?? field).focus(); // the hits are others now, the place is not
  more.hidden = !cursor;
  said.hidden = true;
  const words = asked.q.trim();
  state.replaceChildren(element("strong", {}, count(result.total, "lesson")), words && ` for “${shortened(words)}”`);
  byId("answered").replaceChildren(
    element("span", { class: "dot", "aria-hidden": "true" }),
    region ?? instead ? `${regionName(region ?? instead)} answered in ` : "Answered in ",
    element("span", { title: serverTime === null ? "" : `${milliseconds(serverTime)} of it in ${region}` }, milliseconds(time)));
  byId("answered").dataset.region = region ?? "";
  showMeant(result.didYouMean);
  showControls();
  if (result.total === 0) nothingFound();
}

function showMeant(words) {
  meant.hidden = !words || words.toLowerCase() === asked.q.trim().toLowerCase();
  if (meant.hidden) return;
  meant.replaceChildren("Did you mean ", button(words, () => {
    field.value = words;
    change({ q: words });
    field.focus();
  }, { class: "link" }), "?");
}

function showControls() {
  showFacets(facets, asked, change);
  const used = FACETS.flatMap((name) => asked[name].map((value) => [label(name, value), { [name]: asked[name].filter((other) => other !== value) }]));
  const [least, most] = asked.minutes.split("-");
  if (least || most) used.push([least && most ? `${least} to ${most} min` : least ? `${least} min or more` : `Up to ${most} min`, { minutes: "" }]);
  const list = byId("chosen");
  list.hidden = !used.length;
  list.replaceChildren(
    ...used.map(([words, without]) => element("li", {},
      button(words, () => (change(without), field.focus()), { class: "chip remove", "aria-label": `Remove the filter ${words}` }))),
    ...(used.length > 1 ? [element("li", {}, button("Clear all", () => (change(withoutFilters(asked)), field.focus()), { class: "link" }))] : []));
  byId("filters-toggle").textContent = used.length ? `Filters (${used.length})` : "Filters";
  sort.value = asked.sort;
}

function nothingFound() {
  const words = asked.q.trim();
  const narrowed = filtered(asked);
  say(notice(
    words ? `No lessons for “${shortened(words)}”` : narrowed ? "No lessons with these filters" : "No lessons yet",
    narrowed ? "One of the filters may leave it out." : words ? "Try fewer words, or only the artist’s name." : "They appear here as soon as there are some.",
    [
      narrowed && button("Search without filters", () => change(withoutFilters(asked)), { class: "primary" }),
      words && button("Show all lessons", () => {
        field.value = "";
        change({ ...withoutFilters(asked), q: "" });
        field.focus();
      }),
    ]));
}

function tooLong() {
  nothingShown();
  say(notice("That is a lot of words", `Searches have ${LONGEST} characters at most. A song’s title or its artist is enough.`));
}

async function explain(error, next) {
  if (!(error instanceof Problem)) error = new Problem({ title: "No answer", detail: error.message });
  if (!next) nothingShown();
  const again = () => find({ next });
  if (!error.passing) return say(notice(error.title, error.message, [button("Try again", again, { class: "primary" })]));
  const region = error.region ?? instead;
  const title = region ? `${regionName(region)} cannot search right now` : "The search is away";
  const counting = element("span", { "aria-hidden": "true" });
  // Said once, not at every attempt, to those who listen; and a button that has the focus stays.
  if (said.hidden || said.dataset.title !== title) {
    const others = region ? Object.keys((await places()).regions).filter((name) => name !== region) : [];
    say(notice(title, "Your search is fine: this page keeps trying by itself.", [
      button("Try now", () => retrying.now(), { class: "primary" }),
      ...others.map((name) => button(`Ask ${regionName(name)} instead`, () => {
        instead = name;
        find();
      })),
    ], "away"));
    said.dataset.title = title;
    said.querySelector("p").append(" ", counting);
  }
  retrying.later(again, {
    retryAfter: error.retryAfter,
    told: (left) => said.querySelector("p > span")?.replaceChildren(`Next try in ${left} s.`),
  });
}

function nothingShown() {
  if (hits.contains(document.activeElement)) field.focus();
  hits.replaceChildren();
  more.hidden = meant.hidden = true;
  state.textContent = "";
  byId("answered").textContent = "";
  suggestions.close();
}

function say(content) {
  said.dataset.title = "";
  said.replaceChildren(content);
  said.hidden = false;
}

function shortened(words) {
  return words.length > 60 ? `${[...words].slice(0, 60).join("")}…` : words;
}

// What is asked is another now. By typing it reaches the address once one has stopped; else at once.
function change(different, { typing: typed = false } = {}) {
  if (!Object.keys(different).length) return showControls();
  asked = { ...asked, ...different };
  clearTimeout(typing);
  clearTimeout(settling);
  if (typed) {
    asking.abort();
    typing = setTimeout(() => find({ suggest: "q" in different }), TYPING_MS);
    settling = setTimeout(settle, SETTLED_MS);
  } else {
    suggestions.close();
    settle();
    find();
  }
}

function settle() {
  clearTimeout(settling);
  const address = toAddress(asked);
  if (address !== toAddress(fromAddress())) history.pushState(null, "", `${location.pathname}${address}`);
  document.title = asked.q.trim() ? `${shortened(asked.q.trim())} – Plectrum` : TITLE;
}

function followAddress() {
  asked = fromAddress();
  field.value = asked.q;
  from.value = asked.from;
  if (from.value !== asked.from) fillLocations(from, asked.from);
  instead = null;
  suggestions.close();
  settle();
  find();
}

function links() {
  return [...hits.querySelectorAll("h3 a")];
}

// Down from the field leads into the hits; Up from the first leads back.
function moveThroughHits(event) {
  const all = links();
  const place = all.indexOf(document.activeElement);
  if (event.key === "Escape" && place >= 0) field.focus();
  else if (event.key === "ArrowDown" && (place >= 0 || document.activeElement === field)) (all[place + 1] ?? (more.hidden ? all.at(-1) : more))?.focus();
  else if (event.key === "ArrowUp" && place >= 0) (all[place - 1] ?? field).focus();
  else if (event.key === "ArrowUp" && document.activeElement === more) all.at(-1)?.focus();
  else return;
  event.preventDefault();
}

field.addEventListener("input", () => change({ q: field.value }, { typing: true }));
byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  change({ q: field.value });
});
sort.addEventListener("change", () => change({ sort: sort.value }));
from.addEventListener("change", () => {
  instead = null;
  change({ from: from.value });
});
more.addEventListener("click", () => find({ next: true }));
hits.addEventListener("click", () => {
  settle();
  sessionStorage.setItem("found", toAddress(asked)); // where a lesson leads back to
});
byId("filters-toggle").addEventListener("click", ({ currentTarget: toggle }) => {
  const open = toggle.getAttribute("aria-expanded") !== "true";
  toggle.setAttribute("aria-expanded", String(open));
});
window.addEventListener("popstate", followAddress);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target === field && suggestions.key(event.key)) return event.preventDefault();
  if (event.key === "/" && !event.target.closest("input, select, textarea")) {
    event.preventDefault();
    field.focus();
    field.select();
  } else moveThroughHits(event);
});

fillLocations(from, asked.from);
followAddress();
