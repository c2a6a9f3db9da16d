// What the pages for admins share: who is signed in and where, the sign-in before anything else, and what is said when
// the region one works in is away.

import { Problem } from "./api.js";
import { button, byId, element, notice } from "./dom.js";
import { places, regionName } from "./places.js";
import { Retrying } from "./retrying.js";
import { active, signOut, token, username, workIn } from "./session.js";
import { showSignIn, signInDialog } from "./sign-in.js";

const retrying = new Retrying();

// Runs `start` for who is signed in; signs in first where nobody is.
export async function enter(title, start) {
  if (active()) {
    showWho(start);
    return start();
  }
  byId("who").hidden = true;
  byId("told").replaceChildren();
  const box = element("div");
  byId("view").replaceChildren(element("div", { class: "door" }, element("h1", {}, title), box));
  await showSignIn(box, { done: () => enter(title, start) });
}

export function showWho(start) {
  const who = byId("who");
  who.replaceChildren(
    element("span", { class: "region" }, element("span", { class: "dot", "aria-hidden": "true" }), `Working in ${regionName(active())}`),
    element("span", { class: "soft" }, username()),
    button("Sign out", () => {
      signOut();
      location.reload();
    }, { class: "link" }));
  who.hidden = false;
  who.restart = start;
}

// Says what went wrong, with what can be done; `again` repeats it. Nothing on the page is lost meanwhile. Returns
// whether the problem was one that is told this way.
export async function explain(error, again) {
  if (!(error instanceof Problem)) error = new Problem({ title: "No answer", detail: error.message });
  retrying.cancel();
  if (error.status === 401) {
    const region = error.region ?? active();
    if (await signInDialog("Your session has ended. Sign in again to go on; nothing here is lost.", region)) {
      showWho(byId("who").restart);
      again();
    } else tell(notice("You are not signed in", "Sign in to go on; nothing here is lost.", [button("Sign in", () => explain(error, again), { class: "primary" })]));
    return;
  }
  if (!error.passing) {
    tell(notice(error.title || "That did not work", error.message, [button("Try again", () => (quiet(), again()))], "bad"));
    return;
  }
  const region = error.region ?? active();
  const others = Object.keys((await places().catch(() => ({ regions: {} }))).regions).filter((name) => name !== region);
  tell(notice(
    error.status === 429 ? "Too many requests" : `${regionName(region)} is away`,
    "Nothing here is lost. This page keeps trying by itself; or go on in another region.",
    [
      button("Try now", () => retrying.now(), { class: "primary" }),
      ...others.map((other) => button(token(other) ? `Work in ${regionName(other)}` : `Sign in to ${regionName(other)}`, () => moveTo(other, again))),
    ], "away"));
  retrying.later(again, { retryAfter: error.retryAfter });
}

async function moveTo(region, again) {
  if (!token(region) && !(await signInDialog("", region))) return;
  if (active() !== region) workIn(region);
  retrying.cancel();
  quiet();
  showWho(byId("who").restart);
  again();
}

export function tell(content) {
  byId("told").replaceChildren(content);
  content.scrollIntoView({ block: "nearest" });
}

// All is well again, or something else is being done.
export function quiet() {
  retrying.succeeded();
  byId("told").replaceChildren();
}
