// The page's words, in one of the languages that the gateway has.

let said = {};
let current = "en";
export let languages = [];

export async function learn(language) {
  let answer = await fetch(`/texts/${encodeURIComponent(language)}`);
  if (!answer.ok) answer = await fetch("/texts/en");
  const told = await answer.json();
  said = told.said;
  current = told.language;
  languages = told.languages;
  document.documentElement.lang = current;
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", say(node.dataset.label));
  document.title = say("page.title");
}

export function language() {
  return current;
}

export function say(key, fields = {}) {
  return (said[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => fields[name] ?? "");
}

export function number(value) {
  return new Intl.NumberFormat(current, Math.abs(value) < 1000 ? { maximumSignificantDigits: 6 } : { maximumFractionDigits: 3 }).format(value);
}

export function clock(wall) {
  return new Date(wall * 1000).toLocaleTimeString(current);
}

export function day(wall) {
  return new Date(wall * 1000).toLocaleString(current, { dateStyle: "medium", timeStyle: "short" });
}

// A length of time in its largest unit.
export function span(seconds) {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, size]) => seconds >= size) ?? units[3];
  const count = Math.max(0, Math.round(seconds / size));
  return new Intl.NumberFormat(current, { style: "unit", unit, unitDisplay: "long" }).format(count);
}

// As people write them; units.py has the same.
const units = { Cel: "°C", m3: "m³", deg: "°", lx: "lux" };

export function value(channel) {
  if (channel.value === null) return say("page.no_value", { reason: channel.reason });
  if (typeof channel.value === "boolean") return say(channel.value ? "page.on" : "page.off");
  const unit = units[channel.unit] ?? channel.unit;
  const shown = typeof channel.value === "number" ? number(channel.value) : channel.value;
  return `${shown} ${unit}`.trim();
}
