// The operations page: each region as it says it is, what runs in it, and how the last hour was.

import { ask } from "./api.js";
import { chart } from "./chart.js";
import { byId, element } from "./dom.js";
import { enter, explain, quiet, showWho } from "./frame.js";
import { places, regionName } from "./places.js";
import { regionCard } from "./region-card.js";
import { routesPanel } from "./routes.js";
import { active, call, token } from "./session.js";
import { signInDialog } from "./sign-in.js";
import { milliseconds, seconds } from "./wording.js";

const EVERY_MS = 5000;
const BUSY_MS = 1000; // while a refill runs
const MINUTES = 60;
const SAMPLES_EVERY_MS = 30_000;

const cards = element("div", { class: "regions" });
const routes = element("div");
const charts = element("div", { class: "charts" });
const updated = element("p", { class: "soft small", role: "status" });
let timer = 0;
let sampled = 0;
let working = null; // the region that the page says one works in
let unwell = false; // whether what is told is that a refresh went wrong

async function start() {
  document.title = "Operations – Plectrum";
  byId("view").replaceChildren(
    element("div", { class: "head" }, element("h1", {}, "Operations"), updated),
    cards, element("h2", { class: "section" }, "The last hour"), charts, routes);
  sampled = 0;
  working = active();
  refresh();
}

async function refresh() {
  clearTimeout(timer);
  let busy = false;
  try {
    const { routed, regions } = await places();
    const [states, edge] = await Promise.all([
      Promise.all(Object.entries(regions).map(([region, base]) => look(region, base))),
      ask(routed, "edge", { fresh: true }).then(({ document: found }) => found).catch(() => null),
    ]);
    if (unwell) quiet(); // of what else went wrong the notice stays
    unwell = false;
    if (active() && active() !== working) showWho(start);
    working = active();
    showRegions(states, edge);
    routes.replaceChildren(...(edge ? [routesPanel(edge)] : []));
    busy = states.some(({ operations }) => Object.values(operations?.indexes ?? {}).some(({ refill }) => refill?.status === "RUNNING"));
    if (Date.now() - sampled > SAMPLES_EVERY_MS) await showCharts(Object.keys(regions));
    updated.textContent = `As of ${new Date().toLocaleTimeString("en", { timeStyle: "medium", hourCycle: "h23" })}`;
  } catch (error) {
    unwell = true;
    return explain(error, refresh);
  }
  clearTimeout(timer); // of another refresh meanwhile
  timer = setTimeout(refresh, busy ? BUSY_MS : EVERY_MS);
}

// All that a region says: to everybody its health, to who is signed in there the rest.
async function look(region, base) {
  const state = { region, health: null, operations: null, signedIn: token(region) !== null, away: false };
  try {
    if (state.signedIn) state.operations = (await call("operations", {}, region)).document;
    state.health = state.operations?.health ?? null;
  } catch (error) {
    state.signedIn = error.status !== 401;
    state.away = error.passing === true;
  }
  if (!state.health && !state.away) state.health = await healthOf(base, state);
  return state;
}

async function healthOf(base, state) {
  try {
    return (await ask(base, "health", { fresh: true })).document;
  } catch (error) {
    if (error.document && "healthy" in error.document) return error.document;
    state.away = true;
    return null;
  }
}

// In place, so that the focus and what is open stay.
function showRegions(states, edge) {
  const focused = document.activeElement?.dataset?.action;
  cards.replaceChildren(...states.map((state) => regionCard(state, {
    routed: edge?.regions?.[state.region] ?? null,
    signIn: async () => {
      if (await signInDialog("", state.region)) refresh();
    },
    refill: (index) => refill(state.region, index),
  })));
  if (focused) cards.querySelector(`[data-action="${CSS.escape(focused)}"]`)?.focus();
}

async function refill(region, index) {
  try {
    await call("operations/refills", { method: "POST", body: { index } }, region);
  } catch (error) {
    if (error.status !== 409) { // else one runs already
      unwell = false;
      return explain(error, () => refill(region, index));
    }
  }
  quiet();
  refresh();
}

async function showCharts(regions) {
  const known = regions.filter(token);
  const found = await Promise.all(known.map((region) =>
    call("operations/samples", { parameters: { minutes: MINUTES } }, region)
      .then(({ document: { samples } }) => ({ region, samples }))
      .catch(() => ({ region, samples: [] }))));
  sampled = Date.now();
  if (!found.some(({ samples }) => samples.length)) {
    charts.replaceChildren(element("p", { class: "panel soft" }, known.length
      ? "Nothing is measured yet. Samples come once a minute from the heartbeat function, where [heartbeat] is on."
      : "Sign in to a region to see its last hour."));
    return;
  }
  const to = Date.now();
  const span = { from: to - MINUTES * 60_000, to };
  const of = (value) => found.map(({ region, samples }) => ({
    name: regionName(region),
    points: samples.map((sample) => ({ at: Date.parse(sample.at), value: value(sample) ?? null })).sort((one, other) => one.at - other.at),
  }));
  const keep = openTables();
  const wanted = [
    ["Freshness: from a put until it is found", ({ freshness }) => freshness, seconds, 0.1],
    ["Time of a search", ({ searchMillis }) => searchMillis, (value) => (value ? milliseconds(value) : "0"), 10],
    ["Searches a minute", ({ searches }) => searches, short, 4],
    ["Items less documents", ({ items, documents }) => (Number.isFinite(items) && Number.isFinite(documents) ? items - documents : null), short, 4],
    ["Failures waiting", ({ failures }) => failures, short, 4],
    ["Lag of the stream", ({ lag }) => lag, seconds, 1],
  ];
  charts.replaceChildren(...wanted
    .map(([title, value, format, least]) => [title, of(value), { ...span, format, least }])
    .filter(([, series]) => series.some(({ points }) => points.some(({ value }) => Number.isFinite(value)))) // measured at all
    .map(([title, series, options]) => chart(title, series, options)));
  keep.forEach((title) => charts.querySelector(`[data-title="${CSS.escape(title)}"] details`)?.setAttribute("open", ""));
}

function openTables() {
  return [...charts.querySelectorAll("details[open]")].map((details) => details.closest("figure").dataset.title);
}

function short(value) {
  return new Intl.NumberFormat("en", { notation: "compact" }).format(value);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden && cards.isConnected) refresh();
});

enter("Operations", start);
