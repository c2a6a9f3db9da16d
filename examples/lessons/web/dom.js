// Elements, made without HTML: what a document holds can only ever become text.

const SVG = "http://www.w3.org/2000/svg";

// Properties with a hyphen in their name, and `role` and `for`, become attributes; functions named `on…` listen.
// Children that are null, undefined, false or "" are left out.
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (typeof value === "function") made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (key.includes("-") || key === "role" || key === "for" || key === "list") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...present(children));
  return made;
}

export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...present(children));
  return made;
}

export function button(label, onclick, properties = {}) {
  return element("button", { type: "button", onclick, ...properties }, label);
}

// An element of the page's own HTML.
export function byId(id) {
  return document.getElementById(id);
}

export function text(value) {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

// A notice: what is the matter, what it means, and what one can do about it.
export function notice(title, detail, actions = [], kind = "") {
  return element("div", { class: `notice ${kind}` },
    element("h2", {}, title),
    detail && element("p", {}, detail),
    actions.some(Boolean) && element("div", { class: "actions" }, ...actions));
}

function present(children) {
  return children.flat(3).filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}
