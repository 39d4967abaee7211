// What a helper writes: a message, a question, progress with a promise, the end. One form is open at a time.
import { el } from "./dom.js";

const MINUTES = [[120, "2 minutes"], [300, "5 minutes"], [600, "10 minutes"], [1800, "30 minutes"], [3600, "an hour"], [14400, "4 hours"], [86400, "a day"]];
const WAITS = [[60, "a minute"], [300, "5 minutes"], [900, "15 minutes"], [3600, "an hour"]];

const option = ([value, text], chosen) => el("option", { value, selected: value === chosen }, text);
const area = (name, label, needed) => [
  el("label", { for: name }, label),
  el("textarea", { id: name, name: "text", rows: 2, maxlength: 1000, required: needed, placeholder: " " }),
];
const choice = (id, name, label, values, chosen) => [
  el("label", { for: id }, label),
  el("select", { id, name }, values.map((value) => option(value, chosen))),
];

const FORMS = {
  say: { tab: "Message", key: "m", send: "Send", fields: () => area("say-text", "To the household", true),
    body: (f) => ({ text: f.text.value }) },
  ask: { tab: "Question", key: "q", send: "Ask", fields: () => [
      area("ask-text", "The question", true),
      el("label", { for: "ask-options" }, "Answers, one a line. Leave it empty for yes and no, which the button can answer."),
      el("textarea", { id: "ask-options", name: "options", rows: 2, maxlength: 300 }),
      choice("ask-wait", "expires_s", "It waits for", WAITS, 300),
      el("label", { class: "check" }, el("input", { type: "checkbox", name: "cancel" }), " Yes takes the request back")],
    body: (f) => ({ text: f.text.value, options: f.options.value.split("\n").map((each) => each.trim()).filter(Boolean),
      expires_s: Number(f.expires_s.value), purpose: f.cancel.checked ? "cancel" : "" }) },
  progress: { tab: "Progress", key: "p", send: "Promise", fields: () => [
      area("progress-text", "How it goes on", true), choice("progress-in", "promise_s", "The next word comes in", MINUTES, 600)],
    body: (f) => ({ text: f.text.value, promise_s: Number(f.promise_s.value) }) },
  engage: { tab: "Hand over", key: "h", send: "Hand over", fields: () => [
      el("label", { for: "engage-helper" }, "Who works on it from now on, as the household will see it"),
      el("input", { id: "engage-helper", name: "helper", maxlength: 80, required: true })],
    body: (f) => ({ helper: f.helper.value }) },
  resolve: { tab: "Done", key: "d", send: "It is done", fields: () => area("resolve-text", "A last word, if you like", false),
    body: (f) => ({ text: f.text.value }) },
};

export const KEYS = Object.fromEntries(Object.entries(FORMS).map(([name, form]) => [form.key, name]));

// `act(name, body)` sends; it rejects with words, and then what was typed stays.
export function forms(act) {
  const box = el("section", { class: "card", id: "write" });
  const tabs = el("div", { class: "tabs", role: "tablist", "aria-label": "What to write" });
  const made = {};
  for (const [name, form] of Object.entries(FORMS)) {
    const tab = el("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `form-${name}`,
      onclick: () => open(name) }, form.tab, el("kbd", { "aria-hidden": "true" }, form.key));
    const send = el("button", { type: "submit", class: "main" }, form.send);
    const node = el("form", { id: `form-${name}`, role: "tabpanel", "aria-labelledby": `tab-${name}`, autocomplete: "off",
      onsubmit: async (event) => {
        event.preventDefault();
        send.disabled = true;
        try {
          await act(name, form.body(node.elements));
          node.reset();
        } catch { /* the page tells what was wrong */ }
        send.disabled = false;
      } }, form.fields(), send);
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) node.requestSubmit();
    });
    tabs.append(tab);
    made[name] = [tab, node];
  }
  box.append(tabs, ...Object.values(made).map(([, node]) => node));
  function open(chosen, focus = true) {
    for (const [name, [tab, node]] of Object.entries(made)) {
      tab.setAttribute("aria-selected", String(name === chosen));
      tab.tabIndex = name === chosen ? 0 : -1;
      node.hidden = name !== chosen;
      if (name === chosen && focus) node.querySelector("textarea, input").focus();
    }
  }
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = Object.keys(made);
    const now = names.findIndex((name) => made[name][0] === document.activeElement);
    const next = names[(now + step + names.length) % names.length];
    open(next, false);
    made[next][0].focus();
  });
  open("say", false);
  return { box, open };
}
