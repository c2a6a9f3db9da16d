// The sign-in form, as a page of its own or as a dialog above what one was doing.

import { ask, Problem } from "./api.js";
import { dialog } from "./dialogs.js";
import { element } from "./dom.js";
import { places, regionName } from "./places.js";
import { signIn, username } from "./session.js";

// Fills `box` with the form; `done` is called once somebody is signed in. `region` is the choice offered first: without
// it, the nearest one that answers.
export async function showSignIn(box, { reason = "", region = null, done, others = [] }) {
  const choice = element("select", { id: "sign-in-region", name: "region" });
  const name = field("Email", { id: "sign-in-name", type: "email", name: "username", autocomplete: "username", required: true, value: username() });
  const password = field("Password", { id: "sign-in-password", type: "password", name: "password", autocomplete: "current-password", required: true });
  const said = element("p", { class: "problem", role: "alert" });
  const submit = element("button", { type: "submit", class: "primary" }, "Sign in");
  const form = element("form", { class: "sign-in" },
    reason && element("p", { class: "soft" }, reason),
    name.label, password.label,
    element("label", { for: "sign-in-region" }, element("span", {}, "Region"), choice,
      element("small", {}, "You work in one region; the others follow by themselves.")),
    said,
    element("div", { class: "actions" }, submit, ...others));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    said.textContent = "";
    try {
      await signIn(choice.value, name.input.value.trim(), password.input.value);
      done();
    } catch (error) {
      said.textContent = explained(error, choice.value);
      password.input.select();
    } finally {
      submit.disabled = false;
    }
  });
  box.replaceChildren(form);
  const first = (username() ? password : name).input;
  first.autofocus = true; // for a dialog that opens only then
  first.focus();
  try {
    const { routed, regions } = await places();
    choice.replaceChildren(...Object.keys(regions).map((known) => new Option(`${regionName(known)} · ${known}`, known)));
    if (region) choice.value = region;
    else await nearest(routed, choice);
  } catch {
    said.textContent = "The regions cannot be reached. Reload the page to try again.";
  }
}

export function signInDialog(reason, region = null) {
  return dialog("Sign in", (close) => {
    const box = element("div");
    const cancel = element("button", { type: "button", onclick: () => close(null) }, "Cancel");
    showSignIn(box, { reason, region, done: () => close(true), others: [cancel] });
    return [box];
  });
}

async function nearest(routed, choice) {
  try {
    let chosen = false;
    choice.addEventListener("change", () => (chosen = true), { once: true });
    const { document: found } = await ask(routed, "auth");
    if (!chosen && [...choice.options].some(({ value }) => value === found.region)) choice.value = found.region;
  } catch {
    // The first is as good a choice.
  }
}

function field(title, properties) {
  const input = element("input", properties);
  return { input, label: element("label", { for: properties.id }, element("span", {}, title), input) };
}

function explained(error, region) {
  if (!(error instanceof Problem)) return "That did not work. Try again.";
  if (error.passing) return `${regionName(region)} is away. Choose another region, or try again soon.`;
  return error.status === 401 ? "The email or the password is wrong." : error.message;
}
