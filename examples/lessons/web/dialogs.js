// Modal dialogs: each shows something and resolves to what one answered, null for no answer.

import { button, element } from "./dom.js";

export function dialog(title, fill) {
  return new Promise((resolve) => {
    const close = (answer) => {
      box.close();
      box.remove();
      resolve(answer);
    };
    const box = element("dialog", { "aria-labelledby": "dialog-title", oncancel: (event) => {
      event.preventDefault();
      close(null);
    } }, element("h2", { id: "dialog-title" }, title));
    box.append(...fill(close));
    document.body.append(box);
    box.showModal();
  });
}

// Whether to do `action`, told what comes of it.
export function confirmed(title, detail, action, { danger = false } = {}) {
  return dialog(title, (close) => [
    element("p", {}, detail),
    element("div", { class: "actions" },
      button(action, () => close(true), { class: danger ? "primary danger" : "primary" }),
      button("Cancel", () => close(null), { autofocus: true })),
  ]);
}
