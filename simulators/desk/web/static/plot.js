// One channel around the press, as SVG: minutes across, the press at zero.
import { el, svg } from "./dom.js";
import { span } from "./words.js";

const W = 640;
const H = 170;
const LEFT = 56;
const RIGHT = 12;
const TOP = 14;
const BOTTOM = 24;

const UNITS = { Cel: "°C" };
const number = (value) => Number(value.toPrecision(4)).toString();

function scale(low, high, from, to) {
  const wide = high - low || 1;
  return (value) => from + ((value - low) / wide) * (to - from);
}

// The line is broken where readings are missing: nothing is drawn that nobody measured.
function path(points, x, y, stepped) {
  const steps = points.slice(1).map((point, i) => point[0] - points[i][0]).sort((a, b) => a - b);
  const gap = Math.max(5, (steps[Math.floor(steps.length / 2)] ?? 0) * 5);
  return points
    .map(([at, value], i) => {
      const broken = i === 0 || at - points[i - 1][0] > gap;
      const there = `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      if (broken) return `M${there}h.1`;
      return stepped ? `H${x(at).toFixed(1)}V${y(value).toFixed(1)}` : `L${there}`;
    })
    .join("");
}

function at(points, second) {
  let found = null;
  for (const point of points) if (point[0] <= second) found = point;
  return found;
}

function story(unit, points, stepped) {
  const before = at(points, 0);
  const first = points[0];
  const last = points[points.length - 1];
  const said = (value) => (stepped ? (value ? "on" : "off") : `${number(value)} ${unit}`.trim());
  if (!before) return `${said(last[1])} at last`;
  const change = first === before ? "" : `, ${said(first[1])} ${span(-first[0])} before`;
  const since = last === before ? "" : `, ${said(last[1])} at last`;
  return `${said(before[1])} at the press${change}${since}`;
}

function axis(x, low, high) {
  const step = [15, 30, 60, 120, 300].find((each) => (high - low) / each <= 7) ?? 300;
  const marks = [];
  for (let second = Math.ceil(low / step) * step; second <= high; second += step) {
    const text = second === 0 ? "press" : `${second > 0 ? "+" : "−"}${step < 60 ? `${Math.abs(second)} s` : `${Math.abs(second) / 60} min`}`;
    marks.push(svg("text", { x: x(second), y: H - 6, class: second === 0 ? "tick press" : "tick", "text-anchor": "middle" }, text));
    if (second !== 0) marks.push(svg("line", { x1: x(second), x2: x(second), y1: TOP, y2: H - BOTTOM, class: "grid" }));
  }
  return marks;
}

function figure([name, written, points], suspect, from, to) {
  const unit = UNITS[written] ?? written;
  const values = points.map((point) => point[1]);
  const stepped = values.every((value) => value === 0 || value === 1);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const x = scale(from, to, LEFT, W - RIGHT);
  const y = scale(low, high, H - BOTTOM - 4, TOP + 4);
  const words = story(unit, points, stepped);
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${name}: ${words}` },
    svg("rect", { x: x(0), y: TOP, width: Math.max(0, x(to) - x(0)), height: H - BOTTOM - TOP, class: "after" }),
    axis(x, from, to),
    [low, high].map((value) =>
      svg("text", { x: LEFT - 6, y: y(value) + 4, class: "tick", "text-anchor": "end" }, stepped ? (value ? "on" : "off") : number(value))),
    svg("line", { x1: x(0), x2: x(0), y1: TOP - 6, y2: H - BOTTOM, class: "press" }),
    svg("path", { d: path(points, x, y, stepped), class: suspect ? "trace suspect" : "trace" }),
  );
  return el("figure", { class: "plot" },
    el("figcaption", null, el("b", null, name), unit ? ` in ${unit}` : "",
      suspect && el("span", { class: "about" }, "a finding is about it"), el("span", null, words)), drawing);
}

export function plots(tracks, suspects) {
  const drawn = tracks.filter((track) => track[2].length);
  const texts = tracks.filter((track) => track[3].length);
  if (!drawn.length && !texts.length) {
    return [el("p", { class: "quiet" }, "No readings from around the press are here. They come with consent to telemetry or diagnostics.")];
  }
  const times = drawn.flatMap((track) => [track[2][0][0], track[2][track[2].length - 1][0]]);
  const [from, to] = [Math.min(-60, ...times), Math.max(60, ...times)];
  const first = (track) => (suspects.includes(track[0]) ? 0 : 1);
  drawn.sort((a, b) => first(a) - first(b));
  return [
    ...drawn.map((track) => figure(track, suspects.includes(track[0]), from, to)),
    ...texts.map(([name, , , said]) => el("p", { class: "told" }, el("b", null, name), `: ${said.map((point) => point[1]).join(", ")}`)),
  ];
}
