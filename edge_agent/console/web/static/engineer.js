// The engineer's screen: values with a live plot, findings, queue, raw frames, log, and the configuration in force.
import { failed, fetching, forget, table } from "/static/asking.js";
import { el, show } from "/static/dom.js";
import { number, say, span, value } from "/static/words.js";
import { frozen, plot, take } from "/static/plot.js";
import { surveys } from "/static/surveys.js";

const TABS = { values, findings, check, parts, queue, raw, surveys, log, config };
let tab = "values";
let chosen = null;
let readings = null;
let device = "";
let opened = "";

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
    forget();
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
      document.getElementById("plot").scrollIntoView({ block: "nearest" });
    };
    const name = el("button", { class: "plain", "data-id": channel.name, "aria-pressed": String(channel.name === chosen),
      onclick: pick }, channel.name);
    const age = channel.at_age_s === null ? "" : span(channel.at_age_s);
    return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value(channel)), el("td", {}, age));
  };
  const heads = ["page.channel", "page.value", "page.age"].map((key) => say(key));
  show(document.getElementById("channels"), [data, chosen], () => table(heads, data.channels.map(row)));
}

function check(panel, known, act, again) {
  const { data, error } = fetching("selftest", 1500, again);
  if (error) return show(panel, error, () => failed(error));
  const begin = async () => {
    await act("selftest", { round_trip: true });
    forget();
    again();
  };
  const row = (probe) => el("tr", { class: { fail: "alarm", warn: "warning" }[probe.verdict] ?? "" },
    [say(`verdict.${probe.verdict}`), probe.title, [probe.evidence, probe.fix].filter(Boolean).join(" ")].map((cell) =>
      el("td", {}, cell)));
  const heads = ["state", "part", "sentence"].map((key) => say(`page.${key}`));
  const running = data?.outcome === "running";
  show(panel, [tab, data?.outcome, data?.sentence, data?.results], () => [
    el("div", { class: "line" }, el("button", { "data-id": "begin", disabled: running, onclick: begin }, say("page.begin_check")),
      el("p", { role: "status" }, data?.sentence ?? "")),
    data?.results?.length ? table(heads, data.results.map(row)) : [],
  ].flat());
}

function findings(panel, known, act, again) {
  const all = known.findings?.findings ?? [];
  const pick = (f) => () => {
    opened = f.id;
    again();
  };
  const row = (f) => el("tr", { class: f.severity },
    el("td", {}, el("button", { class: "plain", "data-id": f.id, "aria-pressed": String(f.id === opened), onclick: pick(f) }, f.id)),
    [f.state, f.severity, span(f.since_s), number(f.count), f.sentence, f.cause].map((cell) => el("td", {}, cell)));
  const heads = ["finding", "state", "severity", "age", "count", "sentence", "cause"].map((key) => say(`page.${key}`));
  if (!panel.querySelector("#rows")) {
    panel.dataset.key = "";
    panel.replaceChildren(el("div", { id: "rows" }), el("div", { id: "explained" }));
  }
  show(document.getElementById("rows"), [opened, all.map((f) => [f.id, f.state, f.count, span(f.since_s)])], () =>
    all.length ? table(heads, all.map(row)) : el("p", {}, say("page.no_findings")));
  const node = document.getElementById("explained");
  if (!opened) return node.replaceChildren();
  const { data, error } = fetching(`findings/explain?id=${encodeURIComponent(opened)}`, 10000, again);
  show(node, [opened, data, error], () => (error ? failed(error) : data ? explained(data, act, again) : []));
}

// One finding with its freeze frames, and what may be done about it.
function explained(data, act, again) {
  const id = data.finding.id;
  const after = async (route, body) => {
    await act(route, body);
    forget();
    again();
  };
  const normal = () => confirm(say("page.really_normal")) && after("findings/normal", { id, by: "page" });
  const shelve = () => {
    const reason = prompt(say("page.why_shelve"));
    if (reason) after("findings/shelve", { id, reason, owner: say("page.title"), seconds: 86400 });
  };
  const frames = [["page.first_frame", data.first], ["page.latest_frame", data.latest]].filter(([, frame]) => frame);
  const stored = data.stored.map((row) => el("li", {}, `${row.quantity}: ${row.value} ${row.unit}`));
  return [
    el("h3", {}, data.finding.sentence),
    data.may.includes("normal") ? el("button", { "data-id": "normal", onclick: normal }, say("page.normal")) : [],
    data.may.includes("shelve") ? el("button", { "data-id": "shelve", onclick: shelve }, say("page.shelve")) : [],
    frames.map(([key, frame]) => frozen(say(key), frame, data.unit)),
    stored.length ? el("ul", {}, stored) : [],
    data.evidence.length ? el("ul", { class: "findings" }, data.evidence.map((f) => el("li", { class: f.severity }, f.sentence))) : [],
  ].flat();
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
    forget();
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
