// What the engineer's tabs have in common: how they ask, and how they show tables and what went wrong.
import { ask, el } from "/static/dom.js";

let fetched = {};

// Asks once in a while for what only this tab shows.
export function fetching(route, every_ms, again) {
  const last = fetched[route];
  if (!last || Date.now() - last.at > every_ms) {
    const mine = (fetched[route] = { at: Date.now(), data: last?.data ?? null, error: null });
    ask(`/api/${route}`).then((data) => (mine.data = data), (error) => (mine.error = error.message)).then(again);
  }
  return fetched[route];
}

export function forget() {
  fetched = {};
}

export function failed(error) {
  return el("p", { class: "wrong", role: "alert" }, error);
}

export function table(heads, rows) {
  return el("div", { class: "scroll", tabindex: "0" }, el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) =>
    el("th", { scope: "col" }, head)))), el("tbody", {}, rows)));
}

const LISTEN_MS = 30000;
// The agent stops soon after a page that was closed.
const KEEP_S = 10;

// A survey: `begin` asks by `take(seconds)` again and again, for half a minute and as long as that gives true.
export function surveying(look_ms, take) {
  const state = { on: false, error: null };
  state.begin = async (again) => {
    const until = Date.now() + LISTEN_MS;
    [state.on, state.error] = [true, null];
    again();
    while (state.on && Date.now() < until) {
      try {
        state.on = await take(KEEP_S);
      } catch (failure) {
        [state.on, state.error] = [false, failure.message];
      }
      again();
      if (state.on) await new Promise((done) => setTimeout(done, look_ms));
    }
    state.on = false;
    again();
  };
  return state;
}
