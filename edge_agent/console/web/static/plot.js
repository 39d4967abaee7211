// One channel as it comes, with uPlot. Its last values are kept for every channel, so that a plot has a past.
import { el } from "/static/dom.js";
import { language, say, value } from "/static/words.js";

const KEPT = 600;
const past = new Map();
let chart = null;
let shown = "";

export function take(channel) {
  if (typeof channel.value !== "number" && typeof channel.value !== "boolean") return;
  if (!past.has(channel.name)) past.set(channel.name, [[], []]);
  const [times, points] = past.get(channel.name);
  const at = Date.now() / 1000 - (channel.at_age_s ?? 0);
  if (times.length && at <= times[times.length - 1]) return;
  times.push(at);
  points.push(Number(channel.value));
  if (times.length > KEPT) {
    times.shift();
    points.shift();
  }
  if (channel.name === shown && chart) chart.setData([times, points]);
}

export function plot(node, channel) {
  if (!channel) return node.replaceChildren();
  if (!window.uPlot) {
    if (!node.firstChild) node.append(el("p", { class: "quiet" }, say("page.no_plot")));
    return;
  }
  const caption = `${channel.name}: ${value(channel)}`;
  if (shown === channel.name && node.firstChild) {
    node.querySelector("figcaption").textContent = caption;
    return;
  }
  shown = channel.name;
  chart?.destroy();
  const field = el("div", { role: "img", "aria-label": say("page.plot_of", { channel: channel.name }) });
  node.replaceChildren(el("figcaption", {}, caption), field);
  chart = drawn(field, node.clientWidth - 2, past.get(channel.name) ?? [[], []], clockTimes);
}

// A freeze frame: readings around the moment when the finding was confirmed, which is second 0.
export function frozen(title, frame, unit) {
  const rows = frame.readings.filter(([, value]) => typeof value === "number");
  const field = el("div", { role: "img", "aria-label": title });
  const figure = el("figure", { class: "frozen" }, el("figcaption", {}, `${title} (${unit || "-"})`), field);
  const seconds = (_, splits) => splits.map((at) => `${at} s`);
  if (!window.uPlot) field.textContent = rows.map(([at, value]) => `${at} s: ${value}`).join("; ");
  else drawn(field, Math.min(560, window.innerWidth - 80), [rows.map(([at]) => at), rows.map(([, value]) => value)], seconds, false);
  return figure;
}

const hours = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

function clockTimes(_, splits) {
  return splits.map((at) => new Date(at * 1000).toLocaleTimeString(language(), hours));
}

function drawn(field, width, data, values, time = true) {
  const style = getComputedStyle(document.documentElement);
  const line = style.getPropertyValue("--main").trim();
  const ink = style.getPropertyValue("--soft").trim();
  const axis = { stroke: ink, grid: { stroke: ink, width: 0.3 } };
  const options = {
    width: Math.max(260, width), height: 220, legend: { show: false }, axes: [{ ...axis, space: 90, values }, axis],
    scales: { x: { time } }, series: [{}, { stroke: line, width: 2, points: { show: false } }],
  };
  return new window.uPlot(options, data, field);
}
