// Where the APIs are, what regions are called, and the places one may search from.

const NAMES = {
  "us-east-1": "N. Virginia", "us-east-2": "Ohio", "us-west-1": "N. California", "us-west-2": "Oregon",
  "ca-central-1": "Canada", "sa-east-1": "São Paulo", "eu-west-1": "Ireland", "eu-west-2": "London",
  "eu-west-3": "Paris", "eu-central-1": "Frankfurt", "eu-north-1": "Stockholm", "eu-south-1": "Milan",
  "ap-south-1": "Mumbai", "ap-southeast-1": "Singapore", "ap-southeast-2": "Sydney", "ap-northeast-1": "Tokyo",
  "ap-northeast-2": "Seoul", "af-south-1": "Cape Town", "me-south-1": "Bahrain",
};

const LOCATIONS = {
  "Africa": ["EG", "KE", "MA", "NG", "ZA"],
  "Americas": ["AR", "BR", "CA", "CL", "MX", "US"],
  "Asia and Oceania": ["AU", "ID", "IN", "JP", "KR", "NZ", "SG"],
  "Europe": ["DE", "ES", "FI", "FR", "GB", "IE", "IT", "NL", "PL", "PT", "SE", "UA"],
};

const CONTINENTS = {
  AF: "Africa", AN: "Antarctica", AS: "Asia", EU: "Europe", NA: "North America", OC: "Oceania", SA: "South America",
};
const countries = new Intl.DisplayNames("en", { type: "region", fallback: "code" });

let known = null;

// `routed` is the base address that goes to the nearest region; `regions` leads from a region's name to its own.
export function places() {
  known ??= load().catch((error) => {
    known = null; // so that the next who asks tries again
    throw error;
  });
  return known;
}

async function load() {
  const { routed, regions } = await json("config.json");
  // On a laptop one address has them all, each below its name.
  return { routed, regions: regions ?? Object.fromEntries((await json("regions")).map((name) => [name, `${routed}/${name}`])) };
}

async function json(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`${path} is answered with ${answer.status}`);
  return answer.json();
}

export function regionName(region) {
  return NAMES[region] ?? region;
}

// A location as the routing knows it: a country's code, a continent's, or "*".
export function locationName(code) {
  if (!code || code === "*") return "Everywhere else";
  return CONTINENTS[code] ?? (/^[A-Z]{2}$/.test(code) ? countries.of(code) : code);
}

// A select's choices: here, then countries by continent; and `chosen`, were it none of them.
export function fillLocations(select, chosen) {
  select.replaceChildren(new Option("Anywhere", ""));
  const codes = Object.values(LOCATIONS).flat();
  if (chosen && !codes.includes(chosen)) select.append(new Option(locationName(chosen), chosen));
  for (const [label, group] of Object.entries(LOCATIONS)) {
    const options = document.createElement("optgroup");
    options.label = label;
    options.append(...group.map((code) => new Option(countries.of(code), code)));
    select.append(options);
  }
  select.value = chosen;
}
