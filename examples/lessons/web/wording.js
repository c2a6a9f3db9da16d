// Numbers, lengths and times in words.

const whole = new Intl.NumberFormat("en");
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60]];

export function count(number, one, many = `${one}s`) {
  return `${whole.format(number)} ${number === 1 ? one : many}`;
}

export function number(value) {
  return Number.isFinite(value) ? whole.format(value) : "–";
}

export function milliseconds(value) {
  return `${whole.format(Math.max(1, Math.round(value)))} ms`;
}

// `seconds` as one reads it at a glance: 0.42 s, 7.1 s, 3 min.
export function seconds(value) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0 s";
  if (value >= 90) return `${whole.format(Math.round(value / 60))} min`;
  return `${value < 10 ? value.toFixed(value < 1 ? 2 : 1) : Math.round(value)} s`;
}

export function length(value) {
  return Number.isFinite(value) ? `${Math.max(1, Math.round(value / 60))} min` : "";
}

export function day(value) {
  const date = new Date(`${value}T00:00:00`);
  return Number.isNaN(date.valueOf()) ? "" : date.toLocaleDateString("en", { dateStyle: "medium" });
}

export function ago(iso, now = Date.now()) {
  const passed = (Date.parse(iso) - now) / 1000;
  if (Number.isNaN(passed)) return "";
  if (Math.abs(passed) < 5) return "just now";
  for (const [unit, size] of UNITS) {
    if (Math.abs(passed) >= size) return relative.format(Math.round(passed / size), unit);
  }
  return relative.format(Math.round(passed), "second");
}

export function time(iso) {
  const date = new Date(iso);
  return Number.isNaN(date.valueOf()) ? "" : date.toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
}

export function capital(word) {
  const [first = "", ...rest] = word;
  return first.toUpperCase() + rest.join("");
}
