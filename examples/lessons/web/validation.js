// What is wrong with a value by its JSON schema, in words; null when nothing is. The keywords that forms need: the API
// checks everything again.

const KINDS = {
  string: ["text", (value) => typeof value === "string"],
  integer: ["a whole number", Number.isInteger],
  number: ["a number", Number.isFinite],
  boolean: ["yes or no", (value) => typeof value === "boolean"],
  array: ["a list", Array.isArray],
  object: ["an object", (value) => typeof value === "object" && value !== null && !Array.isArray(value)],
};

export function problem(schema, value) {
  const kinds = [schema.type ?? []].flat().filter((kind) => KINDS[kind]);
  if (kinds.length && !kinds.some((kind) => KINDS[kind][1](value))) return `must be ${KINDS[kinds[0]][0]}`;
  if (schema.enum && !schema.enum.includes(value)) return `must be one of ${schema.enum.join(", ")}`;
  if (typeof value === "string") return ofText(schema, value);
  if (typeof value === "number") return ofNumber(schema, value);
  if (Array.isArray(value)) return ofList(schema, value);
  return null;
}

// The problems of an item's attributes, by name.
export function problems(schema, item) {
  const found = {};
  for (const name of schema.required ?? []) if (item[name] === undefined) found[name] = "is needed";
  for (const [name, value] of Object.entries(item)) {
    const wrong = schema.properties?.[name] && problem(schema.properties[name], value);
    if (wrong) found[name] = wrong;
  }
  return found;
}

function ofText(schema, value) {
  const size = [...value].length;
  if (size < (schema.minLength ?? 0)) return schema.minLength === 1 ? "must not be empty" : `needs ${schema.minLength} characters or more`;
  if (size > (schema.maxLength ?? Infinity)) return `has ${size} characters; ${schema.maxLength} are allowed`;
  if (schema.format === "date" && !isDate(value)) return "must be a day such as 2024-05-31";
  if (schema.pattern && !new RegExp(schema.pattern, "u").test(value)) return `must look like ${schema.examples?.[0] ?? schema.pattern}`;
  return null;
}

function ofNumber(schema, value) {
  if (value < (schema.minimum ?? -Infinity)) return `must be ${schema.minimum} or more`;
  if (value > (schema.maximum ?? Infinity)) return `must be ${schema.maximum} or less`;
  if (value <= (schema.exclusiveMinimum ?? -Infinity)) return `must be more than ${schema.exclusiveMinimum}`;
  if (value >= (schema.exclusiveMaximum ?? Infinity)) return `must be less than ${schema.exclusiveMaximum}`;
  return null;
}

function ofList(schema, value) {
  if (value.length < (schema.minItems ?? 0)) return `needs ${schema.minItems} or more`;
  if (value.length > (schema.maxItems ?? Infinity)) return `has ${value.length}; ${schema.maxItems} are allowed`;
  if (schema.uniqueItems && new Set(value.map((one) => JSON.stringify(one))).size < value.length) return "has one of them twice";
  for (const one of value) {
    const wrong = schema.items && problem(schema.items, one);
    if (wrong) return `“${one}” ${wrong}`;
  }
  return null;
}

function isDate(value) {
  return /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value)) && new Date(value).toISOString().startsWith(value);
}
