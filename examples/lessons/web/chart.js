// A line chart of the last hour: a line for each series, gaps where nothing was measured. Read with the pointer, with
// the arrow keys, or as a table.

import { element, svg } from "./dom.js";

const WIDTH = 360;
const HEIGHT = 140;
const LEFT = 48;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 24;
const TABLE_EVERY = 5; // minutes between the rows of the table

// `series` are `{ name, points: [{ at: ms, value: number | null }] }`; `format` puts a value into words.
export function chart(title, series, { from, to, format = String, least = 1 }) {
  const values = series.flatMap(({ points }) => points.map(({ value }) => value).filter(Number.isFinite));
  const most = ceiling(Math.max(least, ...values));
  const under = Math.min(0, ...values);
  const lowest = under < 0 ? -ceiling(-under) : 0;
  const x = (at) => LEFT + ((at - from) / (to - from)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - ((value - lowest) / (most - lowest)) * (HEIGHT - TOP - BOTTOM);
  const cursor = svg("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
  const dots = series.map((_, number) => svg("circle", { class: `point series-${number}`, r: 3.5, visibility: "hidden" }));
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: "0", "aria-label": `${title}. ${summary(series, format)} The arrow keys read it minute by minute.` },
    [lowest, lowest < 0 ? 0 : most / 2, most].map((value) => [
      svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
      svg("text", { class: "label", x: LEFT - 8, y: y(value) + 3.5, "text-anchor": "end" }, format(value)),
    ]),
    [0, 0.5, 1].map((part) => svg("text", { class: "label", x: LEFT + part * (WIDTH - LEFT - RIGHT), y: HEIGHT - 5, "text-anchor": ["start", "middle", "end"][part * 2] }, clock(from + part * (to - from)))),
    series.map(({ points }, number) => svg("path", { class: `line series-${number}`, d: path(points, x, y) })),
    cursor, dots);
  const reading = element("p", { class: "reading small tabular", "aria-live": "polite" });
  const idle = () => legend(series, format);
  const times = [...new Set(series.flatMap(({ points }) => points.map(({ at }) => at)))].sort((one, other) => one - other);
  let place = times.length;

  function read(number) {
    place = Math.max(0, Math.min(times.length - 1, number));
    const at = times[place];
    cursor.setAttribute("x1", x(at));
    cursor.setAttribute("x2", x(at));
    cursor.setAttribute("visibility", "visible");
    reading.replaceChildren(element("span", { class: "soft" }, clock(at)), ...series.map(({ name, points }, index) => {
      const value = points.findLast((point) => Math.abs(point.at - at) < 45_000)?.value ?? null;
      const measured = Number.isFinite(value);
      dots[index].setAttribute("visibility", measured ? "visible" : "hidden");
      if (measured) {
        dots[index].setAttribute("cx", x(at));
        dots[index].setAttribute("cy", y(value));
      }
      return key(name, index, measured ? format(value) : "–");
    }));
  }

  function rest() {
    place = times.length;
    for (const mark of [cursor, ...dots]) mark.setAttribute("visibility", "hidden");
    reading.replaceChildren(...idle());
  }

  picture.addEventListener("pointermove", (event) => {
    if (!times.length) return;
    const box = picture.getBoundingClientRect();
    const at = from + (((event.clientX - box.left) / box.width) * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT) * (to - from);
    read(times.reduce((best, one, number) => (Math.abs(one - at) < Math.abs(times[best] - at) ? number : best), 0));
  });
  picture.addEventListener("pointerleave", rest);
  picture.addEventListener("blur", rest);
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -times.length, End: times.length }[event.key];
    if (!step || !times.length) return;
    event.preventDefault();
    read(place + step);
  });
  reading.replaceChildren(...idle());
  return element("figure", { class: "chart panel", "data-title": title },
    element("figcaption", {}, title), picture, reading,
    element("details", {}, element("summary", { class: "small soft" }, "As a table"), table(title, series, times, format)));
}

function table(title, series, times, format) {
  const rows = times.filter((_, number) => (times.length - 1 - number) % TABLE_EVERY === 0);
  return element("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": `${title}, as a table` }, element("table", {},
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Time"), series.map(({ name }) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, rows.map((at) => element("tr", {}, element("th", { scope: "row" }, clock(at)), series.map(({ points }) => {
      const value = points.findLast((point) => Math.abs(point.at - at) < 45_000)?.value;
      return element("td", { class: "tabular" }, Number.isFinite(value) ? format(value) : "–");
    }))))));
}

function key(name, number, value) {
  return element("span", { class: "key" }, element("i", { class: `swatch series-${number}`, "aria-hidden": "true" }), name, element("b", {}, value));
}

function legend(series, format) {
  return series.map(({ name, points }, number) => key(name, number, lastOf(points, format)));
}

function lastOf(points, format) {
  const last = points.findLast(({ value }) => Number.isFinite(value));
  return last ? format(last.value) : "–";
}

function summary(series, format) {
  return series.map(({ name, points }) => `${name}: now ${lastOf(points, format)}.`).join(" ");
}

// A line through what was measured, broken where something is missing.
function path(points, x, y) {
  let drawn = "";
  let open = false;
  for (const { at, value } of points) {
    if (Number.isFinite(value)) drawn += `${open ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    open = Number.isFinite(value);
  }
  return drawn;
}

// The next round number, so that half of it is round too.
function ceiling(value) {
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * size).find((step) => step >= value) ?? 10 * size;
}

function clock(at) {
  return new Date(at).toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}
