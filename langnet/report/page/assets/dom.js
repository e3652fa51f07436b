// The page's own elements. Whatever comes from the data becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; strings and numbers among the children become text. */
function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** An SVG element. */
function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A number with a true minus sign; a dash where it is unknown. */
function shown(value, places = 3) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  const text = Number.isInteger(value) ? String(value)
    : size !== 0 && (size < 0.001 || size >= 1e5) ? value.toExponential(2) : value.toFixed(places);
  return text.replace("-", "−");
}

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
