// The queue: most urgent first, as the desk sorts it; words beside every colour.
import { el, show } from "./dom.js";
import { span, spoken, TRIGGERS } from "./words.js";

const plain = (text) => text.toLowerCase().replace(/[\s-]/g, "");

function row(one, chosen, choose) {
  const marks = one.marks.map((mark) => el("span", { class: `mark ${mark.replace(" ", "-")}` }, mark));
  const current = one.number === chosen ? "true" : null;
  return el(
    "li",
    null,
    el(
      "button",
      { type: "button", class: `row ${one.word.replace(" ", "-")}`, "aria-current": current, "data-id": one.number,
        onclick: () => choose(one.number) },
      el("span", { class: "marks" }, marks),
      el("span", { class: "age", "data-since": one.ended ?? one.opened, "data-after": one.ended ? " ago" : "" }),
      el("span", { class: "code" }, spoken(one.code)),
      el("span", { class: "site" }, one.site || one.gateway),
      el("span", { class: "summary" }, one.summary || `${TRIGGERS[one.trigger] ?? "request"}, ${one.product}`),
      one.clash && el("span", { class: "clash" }, `same code as another case: ${one.reference}`),
      one.helper && el("span", { class: "helper" }, one.helper),
      one.effort && el("span", { class: "effort" }, `ease ${one.effort} of 5`),
    ),
  );
}

export function showQueue(told, chosen, filter, choose) {
  const fits = (one) => [one.code, one.site, one.gateway, one.reference].some((text) => plain(text).includes(plain(filter)));
  for (const list of ["open", "over"]) {
    const found = told[list].filter(fits);
    const rows = found.map((one) => row(one, chosen, choose));
    show(document.getElementById(list), [found, chosen], () => rows);
    for (const node of document.querySelectorAll(`#${list}-none`)) node.hidden = found.length > 0;
  }
  document.getElementById("open-title").textContent = `Open (${told.open.length})`;
  document.getElementById("quiet").hidden = told.open.length > 0;
  const tests = told.tests.map((test) =>
    el("li", null, `${test.gateway}: `, el("span", { "data-since": test.at, "data-after": " ago" }),
      test.scheduled ? ", by itself" : ", by hand"));
  show(document.getElementById("tests"), told.tests, () => (tests.length ? tests : [el("li", null, "No test came yet.")]));
  goals(told.goals);
  tick(told.now);
}

function goals(g) {
  const text = g.cases
    ? `Help engaged within ${g.goal_s} s: ${g.within_goal} of ${g.cases}; within ${g.breach_s} s: ${g.within_breach}` +
      (g.median_s === null ? "" : `; the middle one after ${span(g.median_s)}`)
    : `Goal: help engaged within ${g.goal_s} s, never later than ${g.breach_s} s`;
  document.getElementById("goals").textContent = text;
}

// Ages move on without asking the desk.
export function tick(now) {
  for (const node of document.querySelectorAll("[data-since]")) {
    const text = span(now - Number(node.dataset.since)) + (node.dataset.after ?? "");
    if (node.textContent !== text) node.textContent = text;
  }
}
