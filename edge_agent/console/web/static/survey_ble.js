// Who is heard by Bluetooth, how strong, and which language knows it.
import { failed, surveying, table } from "/static/asking.js";
import { ask, el, show } from "/static/dom.js";
import { number, say, span } from "/static/words.js";

let survey = null;
const listening = surveying(2000, async (seconds) => {
  survey = await ask("/api/survey/ble", { seconds });
  return survey.configured;
});

function begin(again) {
  survey = null;
  listening.begin(again);
}

export function surveyBle(node, again) {
  show(node, [listening.on, survey, listening.error], () => [
    el("div", { class: "line" }, el("button", { "data-id": "listen-ble", "aria-disabled": String(listening.on),
      onclick: () => listening.on || begin(again) }, say("page.listen_ble")), el("p", { role: "status" }, outcome())),
    listening.error ? failed(listening.error) : null,
    survey && !survey.ready ? failed(`${survey.sentence}. ${survey.fix}`) : null,
    survey?.heard.length ? table(HEADS.map((head) => say(`page.${head}`)), survey.heard.map(row)) : null,
    notes().map((note) => el("p", { class: "quiet" }, note)),
  ].flat().filter(Boolean));
}

// Said once when it begins and once when it ends: whoever listens to the page is not told every number.
function outcome() {
  if (listening.on) return say("page.listening");
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
    unheard.length && !listening.on ? say("page.unheard", { names: unheard.join(", ") }) : null,
    survey.left_out ? say("page.left_out", { count: number(survey.left_out) }) : null,
    survey.heard.length ? say("page.about_news") : null,
    survey.heard.length ? say("page.add_one") : null,
  ].filter(Boolean);
}
