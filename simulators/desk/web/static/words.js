// Times and states in plain words. All times are seconds; the desk's clock counts, not the browser's.

export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 100) return `${s} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} days`;
}

export function clock(unix) {
  return new Date(unix * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

export function when(unix, now) {
  const date = new Date(unix * 1000);
  const day = date.toLocaleDateString([], { day: "numeric", month: "short" });
  return now - unix < 43200 ? clock(unix) : `${day}, ${clock(unix)}`;
}

export function promised(unix, now) {
  const at = new Date(unix * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return unix > now ? `at ${at}, in ${span(unix - now)}` : `at ${at}, ${span(now - unix)} ago`;
}

// Four and four are read out on a phone.
export function spoken(code) {
  return code.length >= 8 ? `${code.slice(0, 4)} ${code.slice(4)}` : code;
}

export const STATES = {
  raised: "Nobody has acknowledged it",
  received: "Acknowledged, nobody works on it",
  engaged: "In hand",
  resolved: "Done",
  cancelled: "Taken back by the household",
};

export const TRIGGERS = { manual: "button", automatic: "rule", test: "test" };

export const FACTS = {
  site: "Site",
  location: "Place",
  product: "Product",
  contact: "How to reach them",
  language: "Language",
  agent: "Agent",
  power: "Power",
  path: "Way",
  gateway: "Gateway",
  uptime_s: "Running for, s",
  queue: "Messages waiting",
  consent: "Agreed to",
  coordinates: "Coordinates",
};

export const PARTS = {
  before: "Before the press",
  after: "After the press",
  log: "Log of the gateway",
  selftest: "Self-test of the gateway",
  freeze: "Freeze frame",
};
