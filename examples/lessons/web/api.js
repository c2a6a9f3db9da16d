// One request to an API. An answer that is not a result is thrown as a Problem.

const SECONDS = 30;

export class Problem extends Error {
  constructor({ title, detail, status = 0, retryAfter = null, region = null, document = null }) {
    super(detail || title);
    this.title = title;
    this.status = status;
    this.retryAfter = retryAfter; // seconds
    this.region = region; // which answered, if one did
    this.document = document ?? {}; // the problem document with its other members
  }

  // The same request may well succeed in a moment: the region or the network is away, or asks to be left alone.
  get passing() {
    return [0, 429, 502, 503, 504].includes(this.status);
  }
}

// `body` is sent as JSON, or as it is when it is text with a `type`; `key` marks a write, so that it can be sent again;
// `fresh` asks past the browser's cache. Resolves to the answer's `document`, its `etag`, the `region` that gave it, and
// milliseconds: `serverTime` as the server says, `time` as seen from here.
export async function ask(base, path, { method = "GET", token, match, key, body, type, parameters = {}, signal, fresh = false } = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value != null));
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (match) headers["If-Match"] = match;
  if (key) headers["Idempotency-Key"] = key;
  if (body !== undefined) headers["Content-Type"] = type ?? "application/json";
  const limit = AbortSignal.timeout(SECONDS * 1000);
  const started = performance.now();
  let answer;
  let document = null;
  try {
    answer = await fetch(`${base}/${path}${query.size ? `?${query}` : ""}`, {
      method,
      headers,
      body: body === undefined || type ? body : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      credentials: "omit",
      cache: fresh ? "no-store" : "default",
    });
    const text = await answer.text();
    document = text ? JSON.parse(text) : null;
  } catch {
    signal?.throwIfAborted();
    if (answer?.ok || !answer) throw new Problem({ title: "No answer", detail: "The address does not answer." });
  }
  const region = answer.headers.get("X-Dynadex-Region");
  if (answer.ok) {
    return { document, region, etag: answer.headers.get("ETag"), time: performance.now() - started, serverTime: timing(answer) };
  }
  throw new Problem({
    title: document?.title ?? "The request failed",
    detail: document?.detail ?? document?.message,
    status: answer.status,
    retryAfter: Number(answer.headers.get("Retry-After")) || null,
    region,
    document,
  });
}

function timing(answer) {
  const durations = [...(answer.headers.get("Server-Timing") ?? "").matchAll(/dur=([\d.]+)/g)].map((found) => Number(found[1]));
  return durations.length ? Math.max(...durations) : null;
}
