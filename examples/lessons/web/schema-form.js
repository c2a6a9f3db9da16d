// A form made from a JSON schema: a control for each property, checked as one types.

import { same } from "./conflict.js";
import { element, text } from "./dom.js";
import { problem, problems } from "./validation.js";
import { capital } from "./wording.js";

const LONG_TEXT = 300; // a text that may be longer gets an area

export class SchemaForm {
  #controls = new Map();
  #schema;
  #rest;

  // `item` is what the form starts from; attributes in `leave` get no control and stay as they are; those in `optional`
  // may be left out, whatever the schema says. `changed` is called at each input.
  constructor(schema, item, { leave = [], optional = [], changed = () => {} } = {}) {
    schema = { ...schema, required: (schema.required ?? []).filter((name) => !optional.includes(name)) };
    this.#schema = schema;
    const names = Object.keys(schema.properties).filter((name) => !leave.includes(name) && !schema.properties[name].readOnly);
    this.#rest = Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name)));
    for (const name of names) {
      const required = schema.required.includes(name);
      this.#controls.set(name, new Control(name, schema.properties[name], required, item[name], changed));
    }
    this.element = element("div", { class: "fields" }, [...this.#controls.values()].map((control) => control.element));
  }

  // Says `item` now: controls that say so already stay as they are, with the focus and what is half typed. Those of
  // attributes in `leave` go.
  take(item, leave = []) {
    for (const name of leave) {
      this.#controls.get(name)?.element.remove();
      this.#controls.delete(name);
    }
    this.#rest = Object.fromEntries(Object.entries(item).filter(([name]) => !this.#controls.has(name)));
    for (const control of this.#controls.values()) control.take(item[control.name]);
  }

  // The item as the form says it.
  get value() {
    const item = { ...this.#rest };
    for (const [name, control] of this.#controls) if (control.value !== undefined) item[name] = control.value;
    return item;
  }

  // What is wrong, by attribute.
  get problems() {
    const found = problems(this.#schema, this.value);
    for (const [name, control] of this.#controls) if (control.unreadable) found[name] = control.unreadable;
    return found;
  }

  // Shows what is wrong at the controls, and leads to the first. Returns what has no control here.
  show(found) {
    const rest = { ...found };
    let first = null;
    for (const [name, control] of this.#controls) {
      const path = Object.keys(found).find((one) => one.replace(/^[/$.]+/, "").split(/[/.[]/)[0] === name);
      control.say(path === undefined ? "" : found[path]);
      if (path === undefined) continue;
      first ??= control;
      delete rest[path];
    }
    first?.input.focus();
    return rest;
  }
}

class Control {
  #first; // the value that the control began with
  #untouched; // what stood in it then: not all that a value may be is left of it there

  constructor(name, schema, required, value, changed) {
    this.name = name;
    this.schema = schema;
    this.required = required;
    this.changed = changed;
    this.said = element("span", { class: "problem", id: `${name}-problem` });
    this.#fill(value);
  }

  // Begins with `value`.
  #fill(value) {
    const { name, schema, required } = this;
    this.kind = kindOf(schema, value);
    this.input = this.#make(value);
    this.#begin(value);
    const hint = hintOf(schema, this.kind);
    const made = element("div", { class: `field ${this.kind}` },
      element("label", { for: `field-${name}` }, schema.title ?? capital(name).replaceAll("_", " "),
        required && element("span", { class: "needed" }, " needed")),
      this.input,
      hint && element("span", { class: "hint", id: `${name}-hint` }, hint),
      this.said);
    this.input.setAttribute("aria-describedby", `${hint ? `${name}-hint ` : ""}${name}-problem`);
    this.input.addEventListener("input", () => {
      this.check();
      this.changed();
    });
    this.input.addEventListener("blur", () => this.check());
    this.element?.replaceWith(made);
    this.element = made;
  }

  take(value) {
    if (same(this.value, value)) this.#begin(value);
    else {
      const focused = this.input === document.activeElement;
      this.say("");
      this.#fill(value);
      if (focused) this.input.focus();
    }
  }

  #begin(value) {
    this.#first = value;
    this.#untouched = this.#standing;
  }

  get #standing() {
    return this.kind === "boolean" ? this.input.checked : this.input.value;
  }

  // The value of the attribute; undefined for none.
  get value() {
    if (this.#first !== undefined && this.#standing === this.#untouched && !this.unreadable) return this.#first;
    if (this.kind === "boolean") return this.input.checked || (this.required ? false : undefined);
    const words = this.input.value;
    if (this.kind === "list") {
      const parts = words.split(",").map((part) => part.trim()).filter(Boolean);
      return parts.length || this.required ? parts : undefined;
    }
    if (words.trim() === "") return undefined;
    if (this.kind === "number") return Number.isNaN(Number(words)) ? words : Number(words);
    if (this.kind === "json") {
      try {
        return JSON.parse(words);
      } catch {
        return words;
      }
    }
    return this.schema.enum?.find((one) => String(one) === words) ?? words;
  }

  // What stands in the control and is no value at all.
  get unreadable() {
    return this.input.validity?.badInput ? "must be a number" : "";
  }

  check() {
    const { value } = this;
    this.say(this.unreadable || (value === undefined ? (this.required ? "is needed" : "") : problem(this.schema, value)));
  }

  say(words) {
    this.said.textContent = words ? capital(words) : "";
    if (words) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  #make(value) {
    const { schema } = this;
    const common = { id: `field-${this.name}`, name: this.name, dir: "auto" };
    if (this.required) common["aria-required"] = "true";
    switch (this.kind) {
      case "choice": {
        const made = element("select", common, new Option("", ""), schema.enum.map((one) => new Option(capital(String(one)), String(one))));
        // A value that the schema does not know is still seen, and told to be wrong.
        if (value !== undefined && !schema.enum.includes(value)) made.append(new Option(text(value), text(value)));
        made.value = text(value);
        return made;
      }
      case "boolean":
        return element("input", { ...common, type: "checkbox", checked: value === true });
      case "number":
        return element("input", { ...common, type: "number", step: schema.type === "integer" ? "1" : "any", value: text(value) });
      case "date":
        return element("input", { ...common, type: "date", value: text(value) });
      case "long":
        return element("textarea", { ...common, rows: 5, value: text(value) });
      case "json":
        return element("textarea", { ...common, rows: 4, spellcheck: false, value: value === undefined ? "" : JSON.stringify(value, null, 2) });
      case "list":
        return element("input", { ...common, type: "text", autocomplete: "off", value: (value ?? []).join(", ") });
      default:
        return element("input", { ...common, type: "text", autocomplete: "off", value: text(value) });
    }
  }
}

function kindOf(schema, value) {
  const type = [schema.type].flat()[0];
  if (schema.enum) return "choice";
  // A value of another type is shown as it is: a box or a number's field could not.
  const fits = (kind) => (value ?? null) === null || typeof value === kind;
  if (type === "boolean") return fits("boolean") ? "boolean" : "json";
  if (type === "integer" || type === "number") return fits("number") ? "number" : "json";
  if (type === "array") {
    const plain = [schema.items?.type].flat()[0] === "string" && (value ?? []).every?.((one) => typeof one === "string" && !one.includes(","));
    return plain ? "list" : "json";
  }
  if (type === "object") return "json";
  if (schema.format === "date" && (value === undefined || /^\d{4}-\d{2}-\d{2}$/.test(value))) return "date";
  return (schema.maxLength ?? 0) > LONG_TEXT ? "long" : "text";
}

function hintOf(schema, kind) {
  const hints = [schema.description, kind === "list" && "With commas between them"].filter(Boolean);
  return hints.join(". ");
}
