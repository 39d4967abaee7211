// What the page knows of the gateway, kept up to date, and the two screens that show it.
import { ask } from "/static/dom.js";
import { clock, language, languages, learn, say } from "/static/words.js";
import { showHome } from "/static/home.js";
import { showEngineer } from "/static/engineer.js";

// Ages go on, and what no event tells is asked for again.
const REFRESH_MS = 5000;
const EVERYTHING = ["status", "help", "findings", "consent", "console"];
const SCREENS = { home: showHome, engineer: showEngineer };
const known = {};
const lost = document.getElementById("lost");
let ended = false;
let screen = location.hash === "#engineer" ? "engineer" : "home";

function tell(error) {
  lost.textContent = error?.message ?? "";
  lost.hidden = !error;
}

async function look(...names) {
  if (ended) return;
  try {
    const replies = await Promise.all(names.map((name) => ask(`/api/${name}`)));
    names.forEach((name, index) => (known[name] = replies[index]));
    if (names.includes("help")) known.lamp = known.help.lamp;
    tell(null);
  } catch (error) {
    tell(error);
  }
  render();
}

function render() {
  const left = known.console?.left_s;
  const until = document.getElementById("open");
  until.textContent = left > 0 ? say("page.open_until", { time: clock(Date.now() / 1000 + left) }) : "";
  for (const name of Object.keys(SCREENS)) {
    document.getElementById(name).hidden = screen !== name;
    document.getElementById(`to-${name}`).setAttribute("aria-current", screen === name ? "page" : "false");
  }
  SCREENS[screen](document.getElementById(screen), known, act);
}

// Something the person wants done: it is done, and what it changed is looked at. Gives the reply, null where it failed.
async function act(route, body) {
  try {
    const reply = await ask(`/api/${route}`, body);
    await look("status", "help", "findings", "consent");
    return reply;
  } catch (error) {
    tell(error);
    return null;
  }
}

function go(name) {
  screen = name;
  history.replaceState(null, "", `#${name}`);
  render();
  document.getElementById("main").focus();
}

// Somebody shut the page, or its time is up: what was seen stays readable, and says that it is of before.
function end(events) {
  ended = true;
  events.close();
  tell(new Error(say("page.shut")));
}

function listen() {
  const events = new EventSource("/api/events?kinds=help,lamp,finding,status,console");
  for (const kind of ["help", "lamp", "status", "console"]) {
    events.addEventListener(kind, (event) => {
      known[kind] = JSON.parse(event.data);
      if (kind === "help") known.lamp = known.help.lamp;
      if (known.console?.left_s === 0) end(events);
      render();
    });
  }
  events.addEventListener("finding", () => look("findings", "status"));
  events.addEventListener("gap", () => look(...EVERYTHING));
}

const first = await ask("/api/help").catch(() => null);
await learn(localStorage.getItem("language") ?? first?.language ?? navigator.language.slice(0, 2));
const chooser = document.getElementById("language");
const named = (code) => new Intl.DisplayNames([code], { type: "language" }).of(code);
chooser.replaceChildren(...languages.map((code) => new Option(named(code), code, false, code === language())));
chooser.addEventListener("change", () => {
  localStorage.setItem("language", chooser.value);
  location.reload();
});
for (const name of Object.keys(SCREENS)) document.getElementById(`to-${name}`).addEventListener("click", () => go(name));
document.getElementById("leave").addEventListener("click", async () => {
  await ask("/logout", {});
  location.replace("/");
});
await look(...EVERYTHING);
listen();
setInterval(() => look(...EVERYTHING), REFRESH_MS);
