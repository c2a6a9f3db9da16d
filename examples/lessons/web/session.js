// Who is signed in, and where. Each region has users and tokens of its own: a token is good in the region that gave it,
// and a session stays there. Kept for as long as the tab, and nowhere else.

import { ask, Problem } from "./api.js";
import { places } from "./places.js";

const KEY = "sessions";

// `{ username, active, tokens: { region: { token, until } } }`
let kept = read();

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? { tokens: {} };
  } catch {
    return { tokens: {} };
  }
}

function keep(sessions) {
  kept = sessions;
  sessionStorage.setItem(KEY, JSON.stringify(kept));
}

export function username() {
  return kept.username ?? "";
}

// The region that one works in, or null.
export function active() {
  return token(kept.active) ? kept.active : null;
}

export function token(region) {
  const given = kept.tokens[region];
  return given && given.until > Date.now() ? given.token : null;
}

export function workIn(region) {
  keep({ ...kept, active: region });
}

// Signs in to `region`, and with the same words to the others as far as they let one in. Waits for those no longer than
// `patience` milliseconds: one that is away must not hold up who works here.
export async function signIn(region, name, password, patience = 2000) {
  const { regions } = await places();
  const given = await giveToken(regions[region], region, name, password);
  keep({ username: name, active: region, tokens: { ...(kept.username === name && kept.tokens), [region]: given } });
  const others = Object.keys(regions).filter((other) => other !== region);
  const rest = Promise.allSettled(others.map(async (other) => {
    const also = await giveToken(regions[other], other, name, password);
    if (kept.username === name) keep({ ...kept, tokens: { ...kept.tokens, [other]: also } });
  }));
  await Promise.race([rest, new Promise((resolve) => setTimeout(resolve, patience))]);
}

async function giveToken(base, region, name, password) {
  const { document: given } = await ask(base, "auth/sign-in", { method: "POST", body: { username: name, password } });
  if (!given.groups?.includes("admins")) {
    throw new Problem({ title: "Not an admin", detail: `${name} is no admin in ${region}.`, status: 403 });
  }
  return { token: given.idToken, until: Date.now() + (given.expiresIn - 30) * 1000 };
}

export function forget(region) {
  const { [region]: _, ...tokens } = kept.tokens;
  keep({ ...kept, tokens });
}

export function signOut() {
  kept = { tokens: {} };
  sessionStorage.removeItem(KEY);
}

// A request to a region's API as who is signed in there. Throws a Problem with status 401 where nobody is.
export async function call(path, options = {}, region = active()) {
  const { regions } = await places();
  const known = region && token(region);
  if (!known) throw new Problem({ title: "Sign in", detail: "Nobody is signed in here.", status: 401, region });
  try {
    return await ask(regions[region], path, { ...options, token: known, fresh: true });
  } catch (error) {
    if (error instanceof Problem) error.region ??= region;
    if (error.status === 401) forget(region);
    throw error;
  }
}
