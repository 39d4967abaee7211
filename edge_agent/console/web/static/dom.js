// Elements made of plain data. Text is always put in as text: what a gateway says can never become a tag.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

// Puts new content in, if it is other content than before; what has the focus keeps it.
export function show(node, key, make) {
  const text = JSON.stringify(key);
  if (node.dataset.key === text) return;
  const focused = node.contains(document.activeElement) ? document.activeElement.dataset.id : undefined;
  node.dataset.key = text;
  node.replaceChildren(...[make()].flat());
  if (focused) node.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
}

export async function ask(path, body) {
  const how = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(path, how);
  if (answer.status === 401) location.replace("/login");
  const told = await answer.json();
  if (!answer.ok) throw new Error(`${told.error} ${told.fix ?? ""}`.trim());
  return told;
}
