// What is asked, and its form in the page's address. What is at its default is left out, so that addresses stay short.

export const FACETS = ["level", "instrument", "genre", "artist"];

export function fromAddress(address = location.search) {
  const parameters = new URLSearchParams(address);
  const asked = { q: parameters.get("q") ?? "" };
  for (const name of FACETS) asked[name] = parameters.getAll(name);
  asked.minutes = /^\d{0,3}-\d{0,3}$/.test(parameters.get("minutes")) ? parameters.get("minutes") : "";
  asked.sort = parameters.get("sort") ?? "";
  asked.from = (parameters.get("from") ?? "").toUpperCase();
  return asked;
}

export function toAddress(asked) {
  const parameters = new URLSearchParams();
  if (asked.q.trim()) parameters.append("q", asked.q.trim());
  for (const name of FACETS) asked[name].forEach((value) => parameters.append(name, value));
  for (const name of ["minutes", "sort", "from"]) if (asked[name] && asked[name] !== "-") parameters.append(name, asked[name]);
  return parameters.size ? `?${parameters}` : "";
}

// The API's parameters of it.
export function toParameters(asked) {
  const parameters = { q: asked.q.trim(), sort: asked.sort, from: asked.from };
  for (const name of FACETS) parameters[name] = asked[name].join(",");
  const [least, most] = asked.minutes.split("-").map((part) => (part ? Number(part) * 60 : ""));
  // Lengths are shown in whole minutes, so a minute is what is rounded to it.
  if (least || most) parameters.duration = `${least === "" ? "" : Math.max(0, least - 30)}-${most === "" ? "" : most + 29}`;
  return parameters;
}

export function filtered(asked) {
  return FACETS.some((name) => asked[name].length) || Boolean(asked.minutes && asked.minutes !== "-");
}

export function withoutFilters(asked) {
  return { ...asked, ...Object.fromEntries(FACETS.map((name) => [name, []])), minutes: "" };
}
