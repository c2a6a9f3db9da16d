// The admin page: which of its views the address asks for. A view is called with where it may go next, and with a signal
// that is aborted once it is left: what comes later is not for the page any more.

import { byId, element } from "./dom.js";
import { enter, quiet } from "./frame.js";
import { confirmed } from "./dialogs.js";
import { editView } from "./admin-edit.js";
import { importView } from "./admin-import.js";
import { listView } from "./admin-list.js";
import { stopWatching } from "./findable.js";

let here = location.search;
let unsaved = () => false;
let leaving = new AbortController(); // aborted once another view is shown

async function go(address) {
  if (unsaved() && !(await confirmed("Leave without saving?", "What you changed here is lost.", "Leave", { danger: true }))) return false;
  history.pushState(null, "", `admin.html${address}`);
  route();
  return true;
}

function route() {
  here = location.search;
  unsaved = () => false;
  leaving.abort();
  leaving = new AbortController();
  stopWatching();
  quiet();
  const address = new URLSearchParams(here);
  const view = byId("view");
  const tools = { view, go, link, guard: (check) => (unsaved = check), replace, signal: leaving.signal };
  if (address.has("import")) importView(tools);
  else if (address.has("new")) editView(tools, null);
  else if (address.has("id")) editView(tools, address.get("id"));
  else listView(tools, address);
  window.scrollTo(0, 0);
}

// The address is another, the view stays.
function replace(address) {
  history.replaceState(null, "", `admin.html${address}`);
  here = address;
}

function link(label, address, properties = {}) {
  return element("a", { href: `admin.html${address}`, ...properties, onclick: (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(address);
  } }, label);
}

window.addEventListener("popstate", async () => {
  const wanted = location.search;
  if (unsaved()) {
    history.pushState(null, "", `admin.html${here}`); // back where one was, until that is answered
    await go(wanted);
  } else route();
});
window.addEventListener("beforeunload", (event) => {
  if (unsaved()) event.preventDefault();
});

enter("Lessons, for those who write them", route);
