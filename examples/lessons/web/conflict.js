// Two people changed the same item: what each made of it, side by side, and one's choice. Nothing is overwritten unseen.

import { button, element, text } from "./dom.js";

// `base` is what both began with. Calls `save` with the item as chosen, or `drop` to give up one's own changes.
export function conflictView(base, mine, theirs, { title, save, drop }) {
  const names = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])].filter((name) => !same(mine[name], theirs[name]));
  const chosen = new Map(names.map((name) => [name, same(mine[name], base[name]) ? "theirs" : same(theirs[name], base[name]) ? "mine" : null]));
  const submit = button("Save what is chosen", () => save(merged()), { class: "primary" });
  const update = () => (submit.disabled = [...chosen.values()].includes(null));

  function merged() {
    const item = { ...theirs };
    for (const name of names) {
      if (chosen.get(name) === "theirs") continue;
      if (mine[name] === undefined) delete item[name];
      else item[name] = mine[name];
    }
    return item;
  }

  function choice(name, side, value) {
    const input = element("input", { type: "radio", name: `choice-${name}`, checked: chosen.get(name) === side, onchange: () => {
      chosen.set(name, side);
      update();
    } });
    return element("label", { class: "option" }, input, element("span", { class: "side" }, side === "mine" ? "Yours" : "Theirs"), shown(value));
  }

  update();
  return element("section", { class: "conflict notice away", "aria-labelledby": "conflict-title", tabIndex: -1 },
    element("h2", { id: "conflict-title" }, "Somebody else changed this while you did"),
    element("p", {}, names.length
      ? "Nothing of yours is saved, and nothing of theirs is lost. Choose for each difference which one stays."
      : "It says the same as yours now."),
    names.map((name) => element("fieldset", { "data-name": name },
      element("legend", {}, title(name)),
      element("div", { class: "sides" }, choice(name, "mine", mine[name]), choice(name, "theirs", theirs[name])))),
    element("div", { class: "actions" }, submit, button("Take theirs, drop mine", drop)));
}

export function shown(value) {
  if (value === undefined || value === null || value === "") return element("span", { class: "value soft" }, "nothing");
  const words = Array.isArray(value) ? value.map(text).join(", ") : text(value);
  return element("span", { class: "value", dir: "auto" }, words);
}

export function same(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Array.isArray(one) === Array.isArray(other) && [...names].every((name) => same(one[name], other[name]));
}
