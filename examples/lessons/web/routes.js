// Who is sent where: the routing's records, and what its checks say of the regions.

import { element } from "./dom.js";
import { locationName, regionName } from "./places.js";
import { ago, milliseconds, number } from "./wording.js";

export function routesPanel({ records, regions, interval, threshold }) {
  return element("section", { class: "routes" },
    element("h2", { class: "section" }, "Routing"),
    element("div", { class: "routing" },
      element("div", { class: "panel scroll", tabIndex: 0, role: "region", "aria-label": "Who is sent where" }, element("table", {},
        head("Location", "Region", "Now"),
        element("tbody", {}, [...byLocation(records)].map(([location, named]) => element("tr", {},
          element("th", { scope: "row" }, locationName(location), location !== "*" && element("span", { class: "soft small" }, ` ${location}`)),
          element("td", {}, named.map(regionName).join(", then ")),
          element("td", {}, stateOf(regions[named[0]]))))))),
      element("div", { class: "panel scroll", tabIndex: 0, role: "region", "aria-label": "Health checks" }, element("table", {},
        head("Region", "Since", "Checks", "Failed", "Last", "Requests"),
        element("tbody", {}, Object.entries(regions).map(([region, state]) => element("tr", { class: "tabular" },
          element("th", { scope: "row" }, regionName(region)),
          element("td", {}, stateOf(state), " ", element("span", { class: "soft small" }, ago(state.since))),
          element("td", {}, number(state.checks)),
          element("td", {}, number(state.failures)),
          element("td", {}, Number.isFinite(state.lastMillis) ? milliseconds(state.lastMillis) : "–"),
          element("td", {}, number(state.requests)))))),
      element("p", { class: "soft small" }, `Each region is asked every ${interval} s; ${threshold} answers in a row change its state.`))));
}

// The regions of each location, in the order in which they are tried.
function byLocation(records) {
  const found = new Map();
  for (const { location, region } of records) found.set(location, [...(found.get(location) ?? []), region]);
  return found;
}

function head(...titles) {
  return element("thead", {}, element("tr", {}, titles.map((title) => element("th", { scope: "col" }, title))));
}

function stateOf(state) {
  if (!state) return element("span", { class: "badge" }, "unknown");
  return element("span", { class: `badge ${state.healthy ? "good" : "bad"}` }, state.open === false ? "closed" : state.healthy ? "in use" : "left out");
}
