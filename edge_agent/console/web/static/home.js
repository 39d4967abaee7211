// The household's screen: is all well, the button and its lamp, the help request, and what leaves this house.
import { el, show } from "/static/dom.js";
import { clock, day, say, span } from "/static/words.js";

const ENDED = ["IDLE", "HOLD", "RESOLVED", "CANCELLED"];
const PARTS = ["well", "lamp", "case", "found", "leaves"];

export function showHome(node, known, act) {
  if (!node.firstChild) node.append(...PARTS.map((part) => section(part)));
  const put = (part, key, make) => show(document.getElementById(part), key, () => [heading(part), make()].flat());
  const { status, lamp, help, consent } = known;
  const standing = (known.findings?.findings ?? []).filter((f) => f.state === "confirmed" && !f.cause);
  const well = status?.ready && !standing.length;
  put("well", [status?.sentence, well], () => wellRow(status, well));
  put("lamp", lamp ?? null, () => lampRow(lamp));
  put("case", [help?.state, help?.case && { ...help.case, since_s: 0 }], () => caseRows(help, act));
  put("found", standing.map((f) => [f.sentence, f.severity, span(f.since_s)]), () => found(standing));
  put("leaves", consent?.purposes ?? null, () => leaves(consent, act));
}

function section(part) {
  const live = part === "well" ? "polite" : null;
  return el("section", { id: part, class: "card", "aria-labelledby": `${part}-title`, "aria-live": live });
}

function heading(part) {
  return el("h2", { id: `${part}-title` }, say(`page.${part}`));
}

function wellRow(status, well) {
  return el("p", { class: well ? "all-well" : "not-well" }, status?.sentence ?? say("page.asking"));
}

// The lamp as it is, with its colour and its rhythm; the words beside it say the same.
function lampRow(lamp) {
  if (!lamp) return [];
  const light = el("span", { class: `light ${lamp.colour}`, "aria-hidden": "true" });
  if (lamp.rhythm.length && !matchMedia("(prefers-reduced-motion: reduce)").matches) blink(light, lamp.rhythm);
  return el("div", { class: "lamp" }, light, el("p", {}, lamp.sentence));
}

function blink(light, rhythm) {
  const total = rhythm.reduce((sum, ms) => sum + ms, 0);
  const frames = [];
  let at = 0;
  rhythm.forEach((ms, index) => {
    const opacity = index % 2 ? 0.12 : 1;
    frames.push({ opacity, offset: at / total });
    at += ms;
    frames.push({ opacity, offset: Math.min(1, at / total) });
  });
  light.animate(frames, { duration: total, iterations: Infinity });
}

function caseRows(help, act) {
  const open = help?.case;
  if (!open || help.state === "IDLE") return [el("p", {}, say("page.no_case")), testing(act)];
  const rows = [
    ["page.code", `${open.code.slice(0, 4)} ${open.code.slice(4)}`],
    ["page.reference", open.reference],
    ["page.helper", open.helper || open.receiver],
    ["page.next_word", !ENDED.includes(help.state) && open.next_word_wall && clock(open.next_word_wall)],
  ];
  const told = rows.filter(([, text]) => text).map(([key, text]) => [el("dt", {}, say(key)), el("dd", {}, text)]);
  const more = ENDED.includes(help.state) ? [] : [writing(act), cancelling(act)];
  return [
    el("p", { class: "state" }, say(`state.${help.state.toLowerCase()}`)),
    el("dl", {}, told),
    open.question ? question(open.question, act) : [],
    open.notes.length ? el("ol", { class: "talk" }, open.notes.map(note)) : [],
    more,
  ].flat();
}

function note(each) {
  return el("li", { class: each.by }, el("small", {}, `${say(`page.by_${each.by}`)}, ${clock(each.wall)}`), el("p", {}, each.by === "household" ? label(each.text) : each.text));
}

// What a press answers, in the language of the page.
function label(answer) {
  return ["yes", "no"].includes(answer) ? say(`page.${answer}`) : answer;
}

function question(asked, act) {
  const button = (answer) => {
    const onclick = () => act("help/answer", { answer, question: asked.id, by: "page" });
    return el("button", { "data-id": `answer-${answer}`, onclick }, label(answer));
  };
  return el("div", { class: "question", role: "group", "aria-label": say("page.asked") },
    el("p", {}, asked.text), asked.answers.map(button));
}

function writing(act) {
  const field = el("input", { id: "say", maxlength: 500, autocomplete: "off", "data-id": "say" });
  const onsubmit = async (event) => {
    event.preventDefault();
    if (field.value.trim() && (await act("help/say", { text: field.value }))) field.value = "";
  };
  const label = el("label", { for: "say" }, say("page.write"));
  return el("form", { class: "line", onsubmit }, label, field, el("button", { type: "submit" }, say("page.send")));
}

function cancelling(act) {
  const onclick = () => confirm(say("page.really_cancel")) && act("cancel", {});
  return el("button", { class: "stop", "data-id": "cancel", onclick }, say("page.cancel"));
}

function testing(act) {
  const told = el("p", { class: "quiet", role: "status" });
  const onclick = async () => {
    const reply = await act("help/test", {});
    if (reply) told.textContent = reply.sentence;
  };
  return el("div", {}, el("button", { "data-id": "test", onclick }, say("page.test")), told);
}

function found(standing) {
  if (!standing.length) return el("p", {}, say("page.no_findings"));
  const row = (f) => el("li", { class: f.severity }, el("p", {}, f.sentence),
    el("small", {}, say("page.since", { span: span(f.since_s) })));
  return el("ul", { class: "findings" }, standing.map(row));
}

function leaves(consent, act) {
  if (!consent) return [];
  const switches = el("ul", { class: "switches" }, consent.purposes.map((purpose) => purposeRow(purpose, act)));
  return [el("p", {}, consent.always), switches];
}

function purposeRow(purpose, act) {
  const onclick = () => act("consent", { purpose: purpose.name, granted: !purpose.granted, by: "page" });
  const name = `p-${purpose.name}`;
  const about = { role: "switch", "aria-checked": String(purpose.granted), "aria-labelledby": name, "data-id": name };
  const button = el("button", { ...about, onclick }, el("span", { class: "knob" }),
    el("span", { "aria-hidden": "true" }, say(purpose.granted ? "page.yes" : "page.no")));
  const since = purpose.wall ? el("small", {}, say("page.decided", { when: day(purpose.wall) })) : null;
  return el("li", {}, button, el("div", {}, el("span", { id: name }, purpose.lets_out), since));
}
