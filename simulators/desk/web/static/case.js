// One case with everything that travelled. The forms below it (forms.js) keep what is being typed.
import { el, show } from "./dom.js";
import { plots } from "./plot.js";
import { clock, FACTS, PARTS, promised, span, spoken, STATES, TRIGGERS, when } from "./words.js";

const section = (id, title) => el("section", { class: "card", id }, el("h3", null, title), el("div", { class: "body" }));

export function frame(forms) {
  return [
    el("div", { id: "head" }),
    el("div", { id: "buttons", class: "buttons", role: "toolbar", "aria-label": "What to do" }),
    el("p", { id: "trouble", class: "wrong", role: "alert", hidden: true }),
    el("div", { class: "halves" },
      el("div", null, section("talk", "The case so far"), forms),
      el("div", null, section("known", "What we know"), section("found", "What the gateway found"),
        section("readings", "Readings around the press"), section("proof", "More that travelled"))),
  ];
}

function goal(seconds, told) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds <= told.goal_s) return "kept";
  return seconds <= told.breach_s ? "late" : "broken";
}

function step(name, seconds, kept) {
  const value = seconds === null || seconds === undefined ? "not yet" : span(seconds);
  const words = { kept: "in time", late: "late", broken: "too late" }[kept];
  return el("li", { class: kept }, el("span", null, name), el("b", null, value), words && el("small", null, words));
}

function head(one, goals) {
  const t = one.times;
  const late = one.state === "raised" ? goal(one.now - one.opened, goals) : goal(t.engaged, goals);
  return [
    el("button", { type: "button", class: "back", "data-act": "back" }, "Back to the queue"),
    el("div", { class: "title" },
      el("h2", { class: "code" }, spoken(one.code)),
      el("span", { class: "reference" }, one.reference),
      one.marks.map((mark) => el("span", { class: `mark ${mark.replace(" ", "-")}` }, mark))),
    el("p", { class: "where" }, one.site || one.gateway,
      el("span", null, ` ${STATES[one.state]}${one.helper ? `: ${one.helper}` : ""}`)),
    one.twins.length > 0 && el("p", { class: "clash" },
      `Another case has the same code: ${one.twins.map(spoken).join(", ")}. Ask for the place, or for the number ${one.reference}.`),
    one.next_word && one.ended === null && el("p", { class: "promise" }, `The next word is promised ${promised(one.next_word, one.now)}.`),
    el("ol", { class: "times", "aria-label": "Times" },
      step("contact to desk", t.contact_to_desk, ""),
      t.way !== null && step("on the way", t.way, ""),
      step("acknowledged", t.received, goal(t.received, goals)),
      step("engaged", t.engaged, one.ended === null || t.engaged !== null ? late : ""),
      step(one.state === "cancelled" ? "taken back" : "resolved", one.state === "cancelled" ? t.cancelled : t.resolved, "")),
  ];
}

function line(each, now) {
  const who = each.who === "desk" ? "we" : "they";
  const under = [clock(each.at), each.sent ? "" : "waits to be sent",
    each.next_word ? `next word ${promised(each.next_word, now)}` : ""].filter(Boolean).join(" · ");
  return el("li", { class: `${who} ${each.kind}` }, el("p", null, each.text), el("small", null, under));
}

function question(one) {
  const answer = one.answer || (one.waits ? "waits for the answer" : "no answer in time");
  const by = one.by ? ` (${one.by})` : "";
  return el("li", { class: one.answer ? "answered" : one.waits ? "waits" : "expired" },
    el("span", null, one.text), el("b", null, `${answer}${by}`));
}

function talk(one) {
  const body = [el("ol", { class: "talk" }, one.timeline.map((each) => line(each, one.now)))];
  if (one.questions.length) body.push(el("h4", null, "Questions"), el("ul", { class: "questions" }, one.questions.map(question)));
  if (one.effort) body.push(el("p", { class: "effort" }, `The household says: ${one.effort} of 5 for how easy it was.`));
  return body;
}

function known(one) {
  const facts = one.facts.map(([name, value]) => [el("dt", null, FACTS[name] ?? name), el("dd", null, value)]);
  const raised = `${TRIGGERS[one.trigger] ?? one.trigger}${one.rule ? `: ${one.rule}` : ""}, ${when(one.pressed, one.now)}`;
  return el("dl", null, el("dt", null, "Raised by"), el("dd", null, raised), facts);
}

function found(one) {
  const lines = one.findings.map((each) =>
    el("li", { class: each.state.replace(" ", "-") }, el("b", null, each.state), ` ${each.text}`,
      each.at ? el("small", null, ` ${clock(each.at)}`) : null));
  const body = [lines.length ? el("ul", { class: "findings" }, lines) : el("p", { class: "quiet" }, "It found nothing.")];
  if (one.tried.length) body.push(el("h4", null, "Already tried"), el("ul", null, one.tried.map((each) => el("li", null, each))));
  return body;
}

const proof = (one) => one.evidence.map(([part, text]) =>
  el("details", null, el("summary", null, PARTS[part] ?? part), el("pre", null, text)));

export function showCase(one, goals) {
  const put = (id, key, make) => show(document.querySelector(`#${id} .body`), key, make);
  const { now, ...still } = one;
  // the promise's words and the colour of a late case move with the clock, ten seconds are near enough
  show(document.getElementById("head"), [still, Math.floor(now / 10)], () => head(one, goals).filter(Boolean));
  put("talk", [one.timeline, one.questions, one.effort, Math.floor(now / 60)], () => talk(one));
  const lines = document.querySelector("#talk .talk");
  if (lines && lines.dataset.seen !== String(one.timeline.length)) {
    lines.dataset.seen = one.timeline.length;
    lines.scrollTop = lines.scrollHeight;
  }
  put("known", [one.facts, one.pressed], () => known(one));
  put("found", [one.findings, one.tried], () => found(one));
  put("readings", [one.tracks, one.suspects], () => plots(one.tracks, one.suspects));
  put("proof", one.evidence, () => proof(one));
  document.getElementById("proof").hidden = one.evidence.length === 0;
}
