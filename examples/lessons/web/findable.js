// Asks every region, again and again, until its search finds what was saved, as it is now; and says after how many
// seconds that was. What is deleted or unpublished is asked for until neither the index nor the search has it.

import { ask, Problem } from "./api.js";
import { element } from "./dom.js";
import { places, regionName } from "./places.js";
import { seconds } from "./wording.js";

const ASK_EVERY_MS = 120;
const PATIENT_AFTER_S = 20;
const PATIENT_MS = 2000;
const HITS = 100; // among which it is looked for
const WORDS_FOR_S = 5; // a title that no words lead to, such as a lone sign, is looked for by the filters alone

let watching = new AbortController();

// Fills `box`. `started` is the time of the save, as performance.now() says it; `search` are the parameters of a search
// that finds it; `there` tells of a document, or of null for none, whether it is as it should be.
export async function watchRegions(box, index, id, { started, search, there, gone = false }) {
  watching.abort();
  watching = new AbortController();
  const { signal } = watching;
  const { regions } = await places();
  const said = element("p", { class: "hidden", role: "status" });
  const rows = Object.entries(regions).map(([region, base]) => ({ region, base, state: element("span", { class: "state" }), dot: element("span", { class: "dot none" }) }));
  box.replaceChildren(
    element("h2", {}, gone ? "Gone from the search" : "Found by the search"),
    element("ul", { class: "findable" }, rows.map(({ region, state, dot }) => element("li", { "data-region": region },
      element("span", { class: "where", title: region }, dot, regionName(region)), state))),
    said);
  box.hidden = false;
  const all = await Promise.all(rows.map((row) => watch(row, index, id, { started, search, there, gone, signal })));
  if (!signal.aborted) said.textContent = `${gone ? "Gone from" : "Found in"} every region after ${seconds(Math.max(...all))}.`;
}

export function stopWatching() {
  watching.abort();
}

async function watch({ base, state, dot }, index, id, { started, search, there, gone, signal }) {
  const passed = () => (performance.now() - started) / 1000;
  let away = "";
  let indexed = null; // the second at which the index had it: until then a search is asked for nothing
  const clock = setInterval(() => (state.textContent = `${away || "looking"} … ${passed().toFixed(1)} s`), 100);
  try {
    while (!signal.aborted) {
      try {
        if (indexed === null && there(await read(base, index, id, signal))) indexed = passed();
        const asked = passed() - indexed < WORDS_FOR_S ? search : { ...search, q: "" };
        if (indexed !== null && there(await find(base, index, id, asked, signal))) {
          const took = passed();
          dot.className = "dot";
          state.textContent = `${gone ? "gone" : "found"} after ${seconds(took)}`;
          state.classList.add("found");
          return took;
        }
        away = "";
        dot.className = "dot none";
      } catch (error) {
        if (signal.aborted) break;
        away = error instanceof Problem ? "away" : "no answer";
        dot.className = "dot bad";
      }
      await new Promise((resolve) => setTimeout(resolve, away || passed() > PATIENT_AFTER_S ? PATIENT_MS : ASK_EVERY_MS));
    }
  } finally {
    clearInterval(clock);
  }
  return 0;
}

// The document as the search has it, or null where that does not find it.
async function find(base, index, id, search, signal) {
  const parameters = { ...search, index, size: HITS };
  const { document: found } = await ask(base, "search", { parameters, signal, fresh: true });
  return found.hits.find((hit) => hit.id === id)?.document ?? null;
}

// The document as the index has it this moment, searchable or not yet.
async function read(base, index, id, signal) {
  try {
    return (await ask(base, `${index}/${encodeURIComponent(id)}`, { signal, fresh: true })).document.document;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}
