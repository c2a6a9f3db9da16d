// Asks every region, again and again, until what was saved can be found there; and says after how many seconds that was.

import { ask, Problem } from "./api.js";
import { element } from "./dom.js";
import { places, regionName } from "./places.js";
import { seconds } from "./wording.js";

const ASK_EVERY_MS = 120;
const PATIENT_AFTER_S = 20;
const PATIENT_MS = 2000;

let watching = new AbortController();

// Fills `box`. `started` is the time of the save, as performance.now() says it; `there` tells of a document, or of null
// for none, whether it is as it should be.
export async function watchRegions(box, index, id, { started, there, gone = false }) {
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
  const all = await Promise.all(rows.map((row) => watch(row, index, id, { started, there, gone, signal })));
  if (!signal.aborted) said.textContent = `${gone ? "Gone from" : "Found in"} every region after ${seconds(Math.max(...all))}.`;
}

export function stopWatching() {
  watching.abort();
}

async function watch({ base, state, dot }, index, id, { started, there, gone, signal }) {
  const passed = () => (performance.now() - started) / 1000;
  let away = "";
  const clock = setInterval(() => (state.textContent = `${away || "looking"} … ${passed().toFixed(1)} s`), 100);
  try {
    while (!signal.aborted) {
      try {
        if (there(await read(base, index, id, signal))) {
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

async function read(base, index, id, signal) {
  try {
    return (await ask(base, `${index}/${encodeURIComponent(id)}`, { signal, fresh: true })).document.document;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}
