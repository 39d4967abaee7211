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
  const line = getComputedStyle(document.documentElement).getPropertyValue("--main").trim();
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--soft").trim();
  const axis = { stroke: ink, grid: { stroke: ink, width: 0.3 } };
  const hours = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const times = (_, splits) => splits.map((at) => new Date(at * 1000).toLocaleTimeString(language(), hours));
  const field = el("div", { role: "img", "aria-label": say("page.plot_of", { channel: channel.name }) });
  node.replaceChildren(el("figcaption", {}, caption), field);
  const options = {
    width: Math.max(280, node.clientWidth - 2), height: 220, legend: { show: false }, axes: [{ ...axis, space: 90, values: times }, axis],
    series: [{}, { stroke: line, width: 2, points: { show: false } }],
  };
  chart = new window.uPlot(options, past.get(channel.name) ?? [[], []], field);
}
