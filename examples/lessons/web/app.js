// The search page. What is asked stands in the form and in the address; `ask` brings the hits in step with it.

import { Problem, regions, search } from "./api.js";
import { card, element } from "./card.js";

const SIZE = 12;
const DEEPEST = 10_000; // the API pages no further
const TYPING_MS = 120;
const SLOW_MS = 400;
const RETRY_SECONDS = [1, 2, 4, 8];

const [form, summary, notice, hits, more] = ["search", "summary", "notice", "hits", "more"].map((id) =>
  document.getElementById(id),
);
const { q, level, instrument, region } = form.elements;
const number = new Intl.NumberFormat("en");

let home = ""; // the first region, which the address leaves out
let asking = new AbortController();
let timer = 0; // typing or waiting to try again: never both
let again = null; // what failed, for those who try again
let page = 1;
let shown = new Set(); // ids, as a lesson can move to the next page while one reads this one

function later(seconds, action) {
  clearTimeout(timer);
  timer = setTimeout(action, seconds * 1000);
}

// Asks for the first page, or for the next one, of what the form says; a request under way is no longer wanted.
async function ask({ next = false, failures = 0 } = {}) {
  clearTimeout(timer);
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const wanted = next ? page + 1 : 1;
  const slow = setTimeout(() => hits.setAttribute("aria-busy", "true"), SLOW_MS);
  more.disabled = true;
  try {
    if (!home) await fillRegions();
    signal.throwIfAborted();
    const parameters = { q: q.value.trim(), level: level.value, instrument: instrument.value };
    const result = await search(region.value, { ...parameters, page: wanted, size: SIZE }, signal);
    page = wanted;
    again = null;
    show(result, next);
  } catch (error) {
    if (!signal.aborted) explain(error, next, failures);
  } finally {
    clearTimeout(slow);
    if (!signal.aborted) {
      hits.removeAttribute("aria-busy");
      more.disabled = false;
    }
  }
}

async function fillRegions() {
  const names = await regions();
  region.replaceChildren(...names.map((name) => new Option(name, name)));
  home = names[0];
  const asked = new URLSearchParams(location.search).get("region");
  if (names.includes(asked)) region.value = asked;
}

function show(result, next) {
  if (!next) {
    shown = new Set();
    hits.replaceChildren();
  }
  const fresh = result.hits.filter(({ id }) => !shown.has(id));
  const cards = fresh.map(card);
  fresh.forEach(({ id }) => shown.add(id));
  hits.append(...cards);
  if (next) cards[0]?.querySelector("h2").focus();

  const left = result.total > page * SIZE && (page + 1) * SIZE <= DEEPEST;
  more.hidden = !left;
  notice.hidden = result.total > 0;
  summary.replaceChildren(
    element("strong", {}, [`${number.format(result.total)} ${result.total === 1 ? "lesson" : "lessons"}`]),
    ` in ${number.format(Math.max(1, Math.round(result.milliseconds)))} ms from `,
    element("span", { className: "from" }, [result.region]),
  );
  if (result.total === 0) nothingFound();
}

function nothingFound() {
  const words = q.value.trim();
  const filtered = level.value || instrument.value;
  say(
    words ? `No lessons for “${words}”` : "No lessons yet",
    filtered
      ? "The level and instrument you chose may leave it out."
      : words
        ? "Try fewer words, or only the artist’s name."
        : "They appear here as soon as there are some.",
    [filtered && button("Any level and instrument", clearFilters), words && button("Show all lessons", clearAll)],
  );
}

function explain(error, next, failures) {
  if (!(error instanceof Problem)) throw error;
  if (!next) {
    hits.replaceChildren();
    more.hidden = true;
    summary.textContent = "";
  }
  again = () => ask({ next, failures: failures + 1 });
  const retry = () => again?.();
  if (error.passing) {
    later(error.retryAfter ?? RETRY_SECONDS[Math.min(failures, RETRY_SECONDS.length - 1)], retry);
    const others = [...region.options].filter((option) => !option.selected);
    say(
      region.value ? `${region.value} cannot search right now` : "The search is away",
      `${error.message} This page keeps trying by itself.`,
      [
        button("Try now", retry),
        ...others.map(({ value }) =>
          button(`Ask ${value} instead`, () => {
            region.value = value;
            changed();
          }),
        ),
      ],
    );
  } else {
    say(error.title, error.message, [button("Try again", retry)]);
  }
}

function say(title, detail, actions) {
  const content = [
    element("h2", {}, [title]),
    element("p", {}, [detail]),
    element("div", { className: "actions" }, actions),
  ];
  // Told once, not at every attempt, to those who listen; and the button that has the focus stays.
  const same = notice.firstChild?.textContent === title && notice.children[1].textContent === detail;
  if (notice.hidden || !same) notice.replaceChildren(...content);
  notice.hidden = false;
}

function button(label, onclick) {
  return element("button", { type: "button", onclick }, [label]);
}

function clearFilters() {
  level.value = instrument.value = "";
  q.focus();
  changed();
}

function clearAll() {
  q.value = "";
  clearFilters();
}

function changed() {
  const parameters = { q: q.value.trim(), level: level.value, instrument: instrument.value };
  // Until the regions are known the address keeps the one it asks for.
  if (!home) parameters.region = new URLSearchParams(location.search).get("region") ?? "";
  else if (region.value !== home) parameters.region = region.value;
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
  ask();
}

function fromAddress() {
  const parameters = new URLSearchParams(location.search);
  q.value = parameters.get("q") ?? "";
  for (const select of [level, instrument]) {
    const value = parameters.get(select.name) ?? "";
    // A value this page does not list is still asked for, and seen to be.
    if (![...select.options].some((option) => option.value === value)) select.add(new Option(value, value));
    select.value = value;
  }
}

q.addEventListener("input", () => {
  asking.abort();
  later(TYPING_MS / 1000, changed);
});
for (const select of [level, instrument, region]) select.addEventListener("change", changed);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  changed();
});
more.addEventListener("click", () => ask({ next: true }));
window.addEventListener("online", () => again?.());
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  q.focus();
  q.select();
});

fromAddress();
ask();
