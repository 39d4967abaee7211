// Surveys: each part listens only when somebody asks, and keeps what it heard until it is asked again.
import { el } from "/static/dom.js";
import { say } from "/static/words.js";
import { surveyBle } from "/static/survey_ble.js";
import { surveyGpio } from "/static/survey_gpio.js";
import { surveySerial } from "/static/survey_serial.js";

// A part is given its own node, `again`, which shows the tab anew, and what is known of the gateway.
const PARTS = { ble: surveyBle, serial: surveySerial, gpio: surveyGpio };

export function surveys(panel, known, act, again) {
  if (!panel.querySelector("#survey-ble")) {
    panel.dataset.key = "";
    panel.replaceChildren(...Object.keys(PARTS).map((name) => el("section", { "aria-labelledby": `head-${name}` },
      el("h3", { id: `head-${name}` }, say(`page.survey_${name}`)), el("div", { id: `survey-${name}` }))));
  }
  for (const [name, part] of Object.entries(PARTS)) part(document.getElementById(`survey-${name}`), again, known);
}
