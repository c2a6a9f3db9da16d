// Asks a region through the door. An answer that is not a result is thrown as a Problem.

const SECONDS = 30;

export class Problem extends Error {
  constructor({ title, detail, status = 0, retryAfter = null }) {
    super(detail || title);
    this.title = title;
    this.status = status;
    this.retryAfter = retryAfter;
  }

  // The same request may well succeed in a moment: the region or the network is away, or asks to be left alone.
  get passing() {
    return [0, 429, 502, 503, 504].includes(this.status);
  }
}

export async function regions() {
  return (await get("regions")).document;
}

// Parameters that are empty are left out. The result also has `region`, which answered, and `milliseconds` until then.
export async function search(region, parameters, signal) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ""));
  const started = performance.now();
  const { document, response } = await get(`${encodeURIComponent(region)}/search?${query}`, signal);
  return {
    ...document,
    region: response.headers.get("X-Dynadex-Region") ?? region,
    milliseconds: performance.now() - started,
  };
}

async function get(path, signal) {
  const limit = AbortSignal.timeout(SECONDS * 1000);
  let response;
  let document;
  try {
    response = await fetch(path, { signal: signal ? AbortSignal.any([signal, limit]) : limit });
    document = await response.json();
  } catch (error) {
    signal?.throwIfAborted();
    if (response?.ok || !response) throw new Problem({ title: "No answer", detail: "The address does not answer." });
  }
  if (response.ok) return { document, response };
  throw new Problem({
    title: document?.title ?? "The search failed",
    detail: document?.detail,
    status: response.status,
    retryAfter: Number(response.headers.get("Retry-After")) || null,
  });
}
