// The page: asks the desk for the queue and the open case whenever the desk says that something changed.
import { frame, showCase } from "./case.js";
import { ask, el, show } from "./dom.js";
import { forms, KEYS } from "./forms.js";
import { showQueue, tick } from "./queue.js";
import { beep, toggleSound } from "./sound.js";
import { spoken } from "./words.js";

const main = document.getElementById("case");
const find = document.getElementById("find");
let chosen = 0;
let queue = null;
let ahead = 0; // of the desk's clock against this one
let writing = null;
let known = null;

const now = () => Date.now() / 1000 + ahead;

async function refresh() {
  queue = await ask("/api/queue");
  ahead = queue.now - Date.now() / 1000;
  showQueue(queue, chosen, find.value, choose);
  document.getElementById("me").textContent = queue.me;
  const link = document.getElementById("link");
  link.textContent = queue.link ? "Connected" : `No connection: ${queue.link_words}`;
  link.classList.toggle("down", !queue.link);
  announce();
  if (chosen) {
    const wanted = chosen;
    const one = await ask(`/api/case/${wanted}`);
    if (wanted === chosen) {
      showCase(one, queue.goals);
      buttons(one);
    }
  }
  tick(now());
}

// New requests are told to screen readers, in the title, and by a tone if somebody wants one.
function announce() {
  const waiting = queue.open.filter((one) => one.state === "raised" && one.trigger !== "test");
  document.title = waiting.length ? `(${waiting.length}) Service desk` : "Service desk";
  const fresh = known === null ? [] : waiting.filter((one) => !known.has(one.number));
  if (fresh.length) {
    document.getElementById("news").textContent = fresh.map((one) => `New request ${spoken(one.code)} from ${one.site || one.gateway}.`).join(" ");
  }
  known = new Set(queue.open.map((one) => one.number));
  beep(waiting.length > 0);
}

function choose(number, focus = true) {
  chosen = number;
  document.body.classList.toggle("in-case", number > 0);
  history.replaceState(null, "", number ? `#${number}` : "#");
  if (!number) {
    main.replaceChildren(el("p", { class: "quiet" }, "Choose a request."));
    document.querySelector("#open .row")?.focus();
  } else {
    writing = forms(act);
    main.replaceChildren(...frame(writing.box));
    if (focus) main.focus();
  }
  soon();
}

async function act(name, body = {}) {
  const trouble = document.getElementById("trouble");
  try {
    await ask(`/api/case/${chosen}/${name}`, body);
    trouble.hidden = true;
  } catch (error) {
    trouble.textContent = error.message;
    trouble.hidden = false;
    throw error;
  } finally {
    soon();
  }
}

function buttons(one) {
  const open = one.ended === null;
  const button = (name, text, key, possible, kind = "") =>
    possible && el("button", { type: "button", class: kind, "data-id": name, "aria-keyshortcuts": key || null,
      onclick: () => act(name).catch(() => {}) }, text, key && el("kbd", { "aria-hidden": "true" }, key));
  const raised = one.state === "raised";
  show(document.getElementById("buttons"), [one.number, one.state, one.helper, one.may_be_rated], () =>
    [
      button("receive", "Acknowledge", "a", raised, "main"),
      button("engage", open && one.helper ? "Take it over" : "Engage: I work on it", "e", open && one.helper !== queue.me, raised ? "" : "main"),
      button("effort", "Ask now how easy it was", "", one.may_be_rated),
    ].filter(Boolean));
  document.getElementById("write").hidden = !open;
}

// Refreshes never overlap; what changes during one is shown by the next.
let running = false;
let again = false;
async function soon() {
  if (running) {
    again = true;
    return;
  }
  running = true;
  do {
    again = false;
    try {
      await refresh();
    } catch {
      document.getElementById("link").textContent = "The desk does not answer";
      document.getElementById("link").classList.add("down");
    }
  } while (again);
  running = false;
}

function move(step) {
  const rows = [...document.querySelectorAll(".queue .row")];
  const at = rows.findIndex((row) => row.dataset.id === String(chosen));
  const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
  if (next) choose(Number(next.dataset.id), false);
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  if (event.key === "Escape") {
    if (typing) event.target.blur();
    else choose(0);
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const press = (name) => document.querySelector(`#buttons [data-id="${name}"]`)?.click();
  const keys = { j: () => move(1), k: () => move(-1), a: () => press("receive"), e: () => press("engage"), "/": () => find.focus() };
  for (const [key, name] of Object.entries(KEYS)) {
    keys[key] = () => !document.getElementById("write")?.hidden && writing?.open(name);
  }
  if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});

main.addEventListener("click", (event) => {
  if (event.target.dataset.act === "back") choose(0);
});
find.addEventListener("input", () => queue && showQueue(queue, chosen, find.value, choose));
document.getElementById("sound").addEventListener("click", (event) => toggleSound(event.currentTarget));
document.getElementById("logout").addEventListener("click", async () => {
  await ask("/logout", {}).catch(() => {});
  location.replace("/login");
});

setInterval(() => tick(now()), 1000);
choose(Number(location.hash.slice(1)) || 0, false);
const changes = new EventSource("/api/changes");
changes.onmessage = soon;
changes.onerror = soon; // a session that ended leads to the login page
