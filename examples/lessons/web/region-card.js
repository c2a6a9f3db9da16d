// One region: whether it is well, how fresh it is, what its indexes hold, and its refills.

import { button, element } from "./dom.js";
import { regionName } from "./places.js";
import { ago, capital, milliseconds, number, seconds } from "./wording.js";

export function regionCard({ region, health, operations, signedIn, away }, { routed, signIn, refill }) {
  const well = health?.healthy === true;
  return element("section", { class: "panel region-card", "data-region": region, "aria-label": regionName(region) },
    element("div", { class: "top" },
      element("h2", {}, regionName(region), " ", element("span", { class: "soft small" }, region)),
      element("span", { class: `badge ${away ? "bad" : well ? "good" : "warn"}` },
        element("span", { class: `dot ${away ? "bad" : well ? "" : "warn"}`, "aria-hidden": "true" }), away ? "Away" : well ? "Healthy" : "Unwell")),
    away && element("p", {}, "Its API does not answer. Searches are answered by the other regions; this page keeps asking."),
    health && element("dl", { class: "figures" },
      figure("Engine", health.engine?.ok === false ? "away" : Number.isFinite(health.engine?.milliseconds) ? milliseconds(health.engine.milliseconds) : "ok", health.engine?.ok === false),
      health.freshness && figure("Newest beat", Number.isFinite(health.freshness.seconds) ? `${seconds(health.freshness.seconds)} old` : "none", health.freshness.ok === false),
      routed && figure("Edge", routed.open === false ? "closed" : routed.healthy ? "routes here" : "routes around", routed.healthy === false || routed.open === false)),
    operations
      ? Object.entries(operations.indexes).map(([index, state]) => indexPart(region, index, state, refill))
      : !away && element("div", { class: "actions" }, button(`Sign in to ${regionName(region)}`, signIn, { "data-action": `${region}:sign-in` }),
        signedIn ? "" : element("p", { class: "soft small" }, "for items, failures, refills and charts")));
}

function figure(term, value, bad = false) {
  return element("div", {}, element("dt", {}, term), element("dd", { class: bad ? "bad" : "" }, value));
}

function indexPart(region, index, state, refill) {
  const running = state.refill?.status === "RUNNING";
  return element("section", { class: "index", "aria-label": `Index ${index}` },
    element("h3", {}, index, " ", element("span", { class: "soft small" }, [state.generations ?? []].flat().map(nameOf).join(", "))),
    element("dl", { class: "figures" },
      figure("Items", number(state.items)),
      // More or fewer than the items is nothing bad: drafts have none. What is wrong is for a verification to say.
      figure("Documents", number(state.documents)),
      figure("Lag", seconds(state.lagSeconds)),
      figure("Failures", number(state.failures), state.failures > 0),
      figure("Undelivered", number(state.undelivered), state.undelivered > 0)),
    state.gap && element("p", { class: "gap" }, state.gap),
    verification(state.verify),
    element("div", { class: "refill" },
      refillState(state.refill),
      button("Start a refill", () => refill(index), { disabled: running, "data-action": `${region}:${index}:refill` })));
}

function nameOf(generation) {
  return typeof generation === "object" && generation !== null ? generation.name ?? generation.index ?? "" : String(generation);
}

function verification(verify) {
  if (!verify) return element("p", { class: "line" }, element("span", { class: "dot none", "aria-hidden": "true" }), "Not verified yet");
  const { missing = 0, stale = 0, ghosts = 0, status = "" } = verify;
  const running = status === "RUNNING";
  const differences = (missing ?? 0) + (stale ?? 0) + (ghosts ?? 0);
  const words = running ? "Verification runs"
    : Number.isFinite(missing) && differences === 0 && !/fail|abort|timed/i.test(status) ? "Verified: the index equals its table"
    : differences ? `Verified: ${number(missing)} missing, ${number(stale)} stale, ${number(ghosts)} ghosts`
    : `Verification: ${status.toLowerCase()}`;
  return element("p", { class: "line" },
    element("span", { class: `dot ${running ? "none" : differences ? "bad" : ""}`, "aria-hidden": "true" }), words,
    verify.at && element("span", { class: "soft small" }, ago(verify.at)));
}

function refillState(refill) {
  if (!refill) return element("p", { class: "line" }, element("span", { class: "dot none", "aria-hidden": "true" }), "No refill yet");
  if (refill.status !== "RUNNING") {
    const done = refill.status === "SUCCEEDED";
    return element("p", { class: "line" },
      element("span", { class: `dot ${done ? "" : "bad"}`, "aria-hidden": "true" }),
      done ? `Refilled${Number.isFinite(refill.documents) ? `, ${number(refill.documents)} documents` : ""}` : `Refill ${capital(refill.status.toLowerCase())}`,
      refill.ended && element("span", { class: "soft small" }, ago(refill.ended)));
  }
  const known = Number.isFinite(refill.progress);
  return element("div", { class: "running" },
    element("p", { class: "line" }, "Refill runs", element("span", { class: "soft small tabular" }, `${number(refill.scanned)} scanned${known ? `, ${Math.round(refill.progress * 100)} %` : ""}`)),
    element("progress", { max: 1, ...(known && { value: refill.progress }), "aria-label": "Progress of the refill" }));
}
