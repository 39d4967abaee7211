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
