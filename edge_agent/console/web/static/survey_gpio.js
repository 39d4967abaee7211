// Press it now: what the inputs of the GPIO header do, as a picture and in words.
import { failed, surveying } from "/static/asking.js";
import { ask, el, show, svg } from "/static/dom.js";
import { number, say, span } from "/static/words.js";

const MOST_BURSTS = 6;
const MOST_LEVELS = 12;
const [WIDE, HIGH] = [600, 60];
let lines = null;
let hold_s = 0;
const listening = surveying(1000, async (seconds) => {
  const told = await ask("/api/survey/gpio", { seconds });
  [lines, hold_s] = [told.lines.filter((line) => line.kind !== "output"), told.hold_s];
  return lines.length > 0;
});

function begin(again) {
  lines = null;
  listening.begin(again);
}

export function surveyGpio(node, again, known) {
  const called = Boolean(known.help?.case) && known.help.state !== "IDLE";
  show(node, [listening.on, lines, listening.error, called], () => [
    el("p", {}, say("page.gpio_before")),
    el("div", { class: "line" }, el("button", { "data-id": "press-now", "aria-disabled": String(listening.on),
      onclick: () => listening.on || begin(again) }, say("page.press_now")), el("p", { role: "status" }, outcome())),
    listening.error ? failed(listening.error) : null,
    ...(lines ?? []).map((line) => warning(line)),
    called && lines ? failed(say("page.gpio_called")) : null,
    ...(lines ?? []).map(input),
  ].filter(Boolean));
}

// Said once when it begins and once when it ends: whoever listens to the page is not told every edge.
function outcome() {
  if (listening.on) return say("page.listening");
  if (!lines) return "";
  return lines.length ? say("page.gpio_ended") : say("page.gpio_none");
}

function warning(line) {
  if (!line.does) return null;
  const words = { name: line.name, span: span(hold_s) };
  return el("p", line.does === "help" ? { class: "wrong" } : {}, say(`page.gpio_does_${line.does}`, words));
}

function input(line) {
  const id = `gpio-${line.line}`;
  return el("section", { "aria-labelledby": id }, el("h4", { id }, `${line.name} (GPIO${line.line})`),
    el("p", {}, level(line)), verdict(line),
    el("ul", { class: "findings" }, line.bursts.slice(-MOST_BURSTS).map((burst) => el("li", {}, burstOf(line, burst)))));
}

function level(line) {
  if (line.high === null) return say("page.gpio_not_held", { why: line.sentence });
  const active = line.high === (line.active === "high");
  return `${word(line.high)}, ${say(active ? "page.gpio_active" : "page.gpio_rests")}`;
}

function verdict(line) {
  if (!line.verdict || (listening.on && !line.edges.length)) return null;
  const { opinion, bounced_ms, advised_ms } = line.verdict;
  const fine = opinion === "enough" || opinion === "never";
  return el("p", { class: fine ? "state" : "state not-fine" }, say(`page.gpio_is_${opinion}`,
    { bounced: ms(bounced_ms), debounce: ms(line.debounce_ms), advised: ms(advised_ms) }));
}

function burstOf(line, burst) {
  const name = say(`page.gpio_${burst.move}`);
  if (burst.edges === 1) return `${name}: ${say("page.gpio_clean")}`;
  const words = say("page.gpio_figures", { count: number(burst.edges), long: ms(burst.long_ms), glitch: ms(burst.glitch_ms) });
  const edges = line.edges.filter((edge) => burst.first <= edge.number && edge.number <= burst.last);
  return [`${name}: ${words}`, picture(edges, burst, `${name}: ${levels(edges)}`)];
}

// Every level of the picture, for whoever does not see it; of a long one the first.
function levels(edges) {
  const told = edges.slice(0, MOST_LEVELS).map((edge, index) => {
    const lasted = edges[index + 1] ? ` ${ms(edges[index + 1].at_ms - edge.at_ms)}` : "";
    return word(edge.high) + lasted;
  });
  return told.join(", ") + (edges.length > MOST_LEVELS ? " …" : "");
}

function picture(edges, burst, words) {
  const width_ms = Math.max(1, burst.long_ms) * 1.3;
  const x = (at_ms) => (WIDE * (at_ms - burst.at_ms + 0.1 * width_ms)) / width_ms;
  const y = (high) => (high ? 4 : HIGH - 4);
  const steps = edges.map((edge) => `H${x(edge.at_ms).toFixed(1)}V${y(edge.high)}`);
  return el("figure", { class: "trace" },
    svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img", "aria-label": words },
      svg("path", { d: `M0 ${y(!edges[0].high)}${steps.join("")}H${WIDE}` })),
    el("div", { class: "axis", "aria-hidden": "true" }, el("span", {}, "0 ms"), el("span", {}, ms(0.9 * width_ms))));
}

function word(high) {
  return say(high ? "page.gpio_high" : "page.gpio_low");
}

function ms(value) {
  return `${number(Number(value.toPrecision(3)))} ms`;
}
