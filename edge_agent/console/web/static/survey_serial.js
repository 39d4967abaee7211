// What serial ports speak: the agent lets a process beside itself listen, and keeps its last result.
import { failed, table } from "/static/asking.js";
import { ask, el, show } from "/static/dom.js";
import { number, say, span } from "/static/words.js";

const LISTEN_S = 60;
const LOOK_MS = 2000;
const ROW_BYTES = 16;
let surveyed = null;
let following = false;
let error = null;

// Looks until the survey that runs is over; `asked` begins one.
async function follow(again, asked) {
  if (following) return;
  [following, error] = [true, null];
  try {
    surveyed = await ask("/api/survey/serial", asked);
    again();
    while (surveyed.left_s !== null) {
      await new Promise((done) => setTimeout(done, LOOK_MS));
      surveyed = await ask("/api/survey/serial");
    }
  } catch (failure) {
    error = failure.message;
  }
  following = false;
  again();
}

export function surveySerial(node, again) {
  if (!surveyed && !error) follow(again);
  const running = surveyed?.left_s != null;
  const ports = surveyed?.found.ports ?? [];
  show(node, [running, surveyed?.failed, ports, error], () => [
    el("div", { class: "line" }, el("button", { "data-id": "listen-serial", "aria-disabled": String(running),
      onclick: () => running || follow(again, { seconds: LISTEN_S }) }, say("page.listen_serial")),
    el("p", { role: "status" }, outcome(running, ports))),
    error || surveyed?.failed ? failed(error ?? surveyed.failed) : null,
    ports.length ? table(HEADS.map((head) => say(`page.${head}`)), ports.map(row)) : null,
    ports.filter((port) => port.hex).map((port) => el("details", {}, el("summary", {}, say("page.newest_bytes",
      { port: port.tty, baud: number(port.baud) })), el("pre", { tabindex: "0" }, hexView(port.hex)))),
    notes(ports).map((note) => el("p", { class: "quiet" }, note)),
  ].flat().filter(Boolean));
}

function outcome(running, ports) {
  if (running) return say("page.listening_serial");
  if (surveyed?.ago_s == null) return "";
  const understood = ports.filter((port) => port.verdict === "understood").length;
  return say("page.ports_heard", { count: number(ports.length), understood: number(understood), span: span(surveyed.ago_s) });
}

const HEADS = ["serial_port", "speaks", "understood_share", "a_second", "rejected_share", "held_by"];

function row(port) {
  const [best] = port.guesses;
  const read = port.verdict === "understood";
  const setting = read ? `${best.language}, ${best.baud} baud ${best.bits}${best.parity[0].toUpperCase()}1` : "";
  const what = [read ? setting : say(`page.serial_${port.verdict}`), read && !best.sure ? say("page.unsure") : "",
    port.sentence, port.fix].filter(Boolean).join(". ");
  const errors = read ? best.rejected / Math.max(1, best.messages + best.rejected) : 0;
  return el("tr", { class: port.verdict === "refused" ? "warning" : "" },
    el("th", { scope: "row" }, port.port, port.words ? el("br") : null, el("small", {}, port.words)),
    [what, read ? percent(best.understood) : "", read && best.a_second !== null ? number(best.a_second) : "",
      read ? percent(errors) : "", port.holder].map((cell) => el("td", {}, cell)));
}

function percent(share) {
  return `${number(Math.round(1000 * share) / 10)} %`;
}

function hexView(hex) {
  const bytes = hex.match(/../g) ?? [];
  const lines = [];
  for (let place = 0; place < bytes.length; place += ROW_BYTES) {
    const part = bytes.slice(place, place + ROW_BYTES);
    const letters = part.map((byte) => parseInt(byte, 16)).map((code) => (code >= 32 && code < 127 ? String.fromCharCode(code) : "."));
    lines.push(`${place.toString(16).padStart(4, "0")}  ${part.join(" ").padEnd(3 * ROW_BYTES - 1)}  |${letters.join("")}|`);
  }
  return lines.join("\n");
}

function notes(ports) {
  const some = (verdict) => ports.some((port) => port.verdict === verdict);
  return [
    say("page.about_dtr"),
    some("silent") ? say("page.asked_only", { names: surveyed.found.asked.join(", ") }) : null,
    some("understood") ? say("page.add_serial") : null,
  ].filter(Boolean);
}
