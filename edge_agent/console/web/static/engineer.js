// The engineer's screen: values with a live plot, findings, queue, raw frames, log, and the configuration in force.
import { ask, el, show } from "/static/dom.js";
import { number, say, span, value } from "/static/words.js";
import { plot, take } from "/static/plot.js";

const TABS = { values, findings, parts, queue, raw, log, config };
let tab = "values";
let chosen = null;
let readings = null;
let device = "";
let fetched = {};

export function showEngineer(node, known, act) {
  if (!node.firstChild) {
    node.append(el("div", { id: "tabs", class: "tabs", role: "tablist", "aria-label": say("page.engineer") }),
      el("section", { id: "panel", class: "card", role: "tabpanel", "aria-labelledby": "tab-values", tabindex: "0" }));
  }
  const again = () => showEngineer(node, known, act);
  show(document.getElementById("tabs"), tab, () => Object.keys(TABS).map((name) => tabButton(name, again)));
  document.getElementById("panel").setAttribute("aria-labelledby", `tab-${tab}`);
  TABS[tab](document.getElementById("panel"), known, act, again);
  if (tab === "values") listen();
}

function tabButton(name, again) {
  const onclick = () => {
    tab = name;
    fetched = {};
    again();
  };
  const onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = Object.keys(TABS);
    tab = names[(names.indexOf(name) + step + names.length) % names.length];
    again();
    document.getElementById(`tab-${tab}`).focus();
  };
  const selected = { "aria-selected": String(tab === name), tabindex: tab === name ? "0" : "-1" };
  return el("button", { id: `tab-${name}`, role: "tab", "aria-controls": "panel", "data-id": `tab-${name}`, ...selected,
    onclick, onkeydown }, say(`page.${name}`));
}

// Asks once in a while for what only this tab shows.
function fetching(route, every_ms, again) {
  const last = fetched[route];
  if (!last || Date.now() - last.at > every_ms) {
    fetched[route] = { at: Date.now(), data: last?.data ?? null, error: null };
    ask(`/api/${route}`).then((data) => (fetched[route].data = data), (error) => (fetched[route].error = error.message))
      .then(again);
  }
  return fetched[route];
}

function failed(error) {
  return el("p", { class: "wrong", role: "alert" }, error);
}

function table(heads, rows) {
  return el("div", { class: "scroll", tabindex: "0" }, el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) =>
    el("th", { scope: "col" }, head)))), el("tbody", {}, rows)));
}

function listen() {
  if (readings) return;
  readings = new EventSource("/api/events?kinds=reading");
  readings.addEventListener("reading", (event) => take(JSON.parse(event.data)));
}

function values(panel, known, act, again) {
  const { data, error } = fetching("channels", 2000, again);
  if (error) return show(panel, error, () => failed(error));
  if (!data) return show(panel, "asking", () => el("p", {}, say("page.asking")));
  chosen ??= data.channels.find((channel) => typeof channel.value === "number")?.name;
  if (!panel.querySelector("#plot")) {
    panel.dataset.key = "";
    panel.replaceChildren(el("figure", { id: "plot" }), el("div", { id: "channels" }));
  }
  plot(document.getElementById("plot"), data.channels.find((channel) => channel.name === chosen));
  const row = (channel) => {
    const pick = () => {
      chosen = channel.name;
      again();
    };
    const name = el("button", { class: "plain", "data-id": channel.name, "aria-pressed": String(channel.name === chosen),
      onclick: pick }, channel.name);
    const age = channel.at_age_s === null ? "" : span(channel.at_age_s);
    return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value(channel)), el("td", {}, age));
  };
  const heads = ["page.channel", "page.value", "page.age"].map((key) => say(key));
  show(document.getElementById("channels"), [data, chosen], () => table(heads, data.channels.map(row)));
}

function findings(panel, known, act) {
  const all = known.findings?.findings ?? [];
  const row = (f) => el("tr", { class: f.severity }, [f.state, f.severity, f.channel, f.kind, span(f.since_s), number(f.count),
    f.sentence, f.cause].map((cell) => el("td", {}, cell)));
  const heads = ["state", "severity", "channel", "kind", "age", "count", "sentence", "cause"].map((key) => say(`page.${key}`));
  show(panel, [tab, all.map((f) => [f.channel, f.kind, f.state, f.count, span(f.since_s)])], () =>
    all.length ? table(heads, all.map(row)) : el("p", {}, say("page.no_findings")));
}

function parts(panel, known) {
  const status = known.status;
  const all = [...(status?.parts ?? []), ...(status?.devices ?? [])];
  const row = (part) => el("tr", { class: part.ready ? "" : "warning" }, [say(part.ready ? "page.ok" : "page.not_ready"),
    part.name, part.last_heard_s == null ? "" : span(part.last_heard_s), part.faults ?? "",
    `${part.sentence}${part.fix ? `. ${part.fix}` : ""}`].map((cell) => el("td", {}, String(cell))));
  const heads = ["state", "part", "age", "faults", "sentence"].map((key) => say(`page.${key}`));
  show(panel, [tab, all.map((part) => [part.name, part.ready, part.sentence, part.faults])], () => table(heads, all.map(row)));
}

function queue(panel, known, act, again) {
  const { data, error } = fetching("queue", 2000, again);
  if (error) return show(panel, error, () => failed(error));
  const names = ["events", "bytes", "in_flight", "withheld", "dropped", "quarantined"];
  const row = (lane) => el("tr", {}, el("th", { scope: "row" }, lane.name), names.map((name) => el("td", {}, number(lane[name]))));
  const heads = [say("page.lane"), ...names.map((name) => say(`page.${name}`))];
  show(panel, [tab, data], () => (data ? table(heads, data.lanes.map(row)) : el("p", {}, say("page.asking"))));
}

function raw(panel, known, act, again) {
  const devices = (known.status?.devices ?? []).map((each) => each.name);
  device ||= devices[0] ?? "";
  const watched = device ? fetching(`raw?device=${encodeURIComponent(device)}`, 2000, again) : { data: null, error: null };
  const keep = async (seconds) => {
    await act("raw", { device, seconds });
    fetched = {};
    again();
  };
  const choose = el("select", { id: "device", "data-id": "device", onchange: (event) => {
    device = event.target.value;
    again();
  } }, devices.map((name) => el("option", { value: name, selected: name === device }, name)));
  const frames = watched.data?.frames ?? [];
  const left = Math.round(watched.data?.left_s ?? 0);
  show(panel, [tab, device, frames, left > 0, watched.error], () => [
    el("div", { class: "line" }, el("label", { for: "device" }, say("page.device")), choose,
      el("button", { "data-id": "watch", onclick: () => keep(60) }, say("page.watch")),
      el("button", { "data-id": "unwatch", disabled: left === 0, onclick: () => keep(0) }, say("page.unwatch"))),
    watched.error ? failed(watched.error) : null,
    el("p", { class: "quiet" }, say(left > 0 ? "page.watched" : "page.not_watched")),
    el("pre", { tabindex: "0" }, frames.map((frame) => `${frame.ago_s.toFixed(2).padStart(8)} s  ${frame.way}  ${frame.shown}`).join("\n")),
  ].filter(Boolean));
}

function log(panel, known, act, again) {
  const { data, error } = fetching("log", 3000, again);
  if (error) return show(panel, error, () => failed(error));
  show(panel, [tab, data?.newest], () => el("pre", { tabindex: "0" }, (data?.lines ?? []).join("\n")));
}

function config(panel, known, act, again) {
  const { data, error } = fetching("config", 60000, again);
  if (error) return show(panel, error, () => failed(error));
  show(panel, [tab, data], () => el("pre", { tabindex: "0" }, JSON.stringify(data?.settings ?? {}, null, 2)));
}
