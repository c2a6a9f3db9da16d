// Suggestions below the search field: a combobox as ARIA describes it. The focus stays in the field; the arrows move
// through the list, Enter takes the one marked, Escape closes.

import { element, text } from "./dom.js";
import { marked } from "./marks.js";

export class Suggestions {
  #chosen;
  #marked = -1;
  #suggestions = [];

  // `chosen` is called with the suggestion that is taken.
  constructor(field, list, chosen) {
    this.field = field;
    this.list = list;
    this.#chosen = chosen;
    field.addEventListener("blur", () => this.close());
    // A press would take the focus from the field, and so close the list before the click.
    list.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  get open() {
    return !this.list.hidden;
  }

  show(suggestions) {
    this.#suggestions = suggestions;
    this.#marked = -1;
    this.list.replaceChildren(...suggestions.map((suggestion, place) => this.#option(suggestion, place)));
    this.list.hidden = !suggestions.length || document.activeElement !== this.field;
    this.field.setAttribute("aria-expanded", String(this.open));
    this.field.removeAttribute("aria-activedescendant");
  }

  close() {
    this.show([]);
  }

  // Whether the key meant the list.
  key(key) {
    if (!this.open) return false;
    if (key === "ArrowDown") this.#mark(this.#marked + 1);
    else if (key === "ArrowUp") this.#mark(this.#marked - 1);
    else if (key === "Escape") this.close();
    else if (key === "Enter" && this.#marked >= 0) this.#take(this.#marked);
    else return false;
    return true;
  }

  #option({ title, artist, highlights = {} }, place) {
    const field = (name, value) => (highlights[name] ? marked(highlights[name][0]) : [text(value)]);
    return element("li", { id: `suggestion-${place}`, role: "option", "aria-selected": "false", onclick: () => this.#take(place) },
      element("span", { class: "title", dir: "auto" }, ...field("title", title)),
      element("span", { class: "by", dir: "auto" }, ...field("artist", artist)));
  }

  // One beyond either end is the field itself.
  #mark(place) {
    const size = this.#suggestions.length;
    this.#marked = place < -1 ? size - 1 : place >= size ? -1 : place;
    [...this.list.children].forEach((option, number) => option.setAttribute("aria-selected", String(number === this.#marked)));
    const option = this.list.children[this.#marked];
    if (option) this.field.setAttribute("aria-activedescendant", option.id);
    else this.field.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  #take(place) {
    const taken = this.#suggestions[place];
    this.close();
    this.#chosen(taken);
  }
}
