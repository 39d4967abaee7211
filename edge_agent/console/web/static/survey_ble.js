// Who is heard by Bluetooth, how strong, and which language knows it.
import { failed, table } from "/static/asking.js";
import { ask, el, show } from "/static/dom.js";
import { number, say, span } from "/static/words.js";

const LISTEN_MS = 30000;
const LOOK_MS = 2000;
// The agent stops soon after a page that was closed.
const KEEP_S = 10;
let listening = false;
let survey = null;
let error = null;

async function listen(again) {
  const until = Date.now() + LISTEN_MS;
  [listening, survey, error] = [true, null, null];
  again();
  while (listening && Date.now() < until) {
    try {
      survey = await ask("/api/survey/ble", { seconds: KEEP_S });
      listening = survey.configured;
    } catch (failure) {
      [listening, error] = [false, failure.message];
    }
    again();
    if (listening) await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  listening = false;
  again();
}

export function surveyBle(node, again) {
  show(node, [listening, survey, error], () => [
    el("div", { class: "line" }, el("button", { "data-id": "listen-ble", "aria-disabled": String(listening),
      onclick: () => listening || listen(again) }, say("page.listen_ble")), el("p", { role: "status" }, outcome())),
    error ? failed(error) : null,
    survey && !survey.ready ? failed(`${survey.sentence}. ${survey.fix}`) : null,
    survey?.heard.length ? table(HEADS.map((head) => say(`page.${head}`)), survey.heard.map(row)) : null,
    notes().map((note) => el("p", { class: "quiet" }, note)),
  ].flat().filter(Boolean));
}

// Said once when it begins and once when it ends: whoever listens to the page is not told every number.
function outcome() {
  if (listening) return say("page.listening");
  if (!survey?.configured) return "";
  const words = { count: number(survey.heard.length), span: span(survey.listened_s) };
  return say(survey.heard.length ? "page.heard_in" : "page.nobody_heard", words);
}

const HEADS = ["address", "known_as", "signal", "weakest", "news", "age", "device"];

function row(heard) {
  const known = heard.known.map((each) => [each.language, each.model, each.needs_key ? `(${say("page.needs_key")})` : ""]
    .filter(Boolean).join(" "));
  const kind = heard.lasting ? `, ${say(`page.address_${heard.lasting}`)}` : "";
  return el("tr", {}, el("th", { scope: "row" }, heard.name, heard.name ? el("br") : null,
    el("small", {}, `${heard.address}${kind}`)), [known.join(", "),
    strength(heard.rssi_median_dbm, heard.median_is), strength(heard.rssi_p10_dbm, heard.p10_is),
    number(heard.news_per_min), span(heard.last_ago_s), heard.device].map((cell) => el("td", {}, cell)));
}

function strength(dbm, word) {
  return `${dbm} dBm, ${say(`page.signal_${word}`)}`;
}

function notes() {
  if (!survey?.configured) return [];
  const unheard = Object.entries(survey.unheard).map(([address, name]) => `${name} (${address})`);
  return [
    unheard.length && !listening ? say("page.unheard", { names: unheard.join(", ") }) : null,
    survey.left_out ? say("page.left_out", { count: number(survey.left_out) }) : null,
    survey.heard.length ? say("page.about_news") : null,
    survey.heard.length ? say("page.add_one") : null,
  ].filter(Boolean);
}
