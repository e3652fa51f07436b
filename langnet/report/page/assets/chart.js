// Line charts: a cursor for mouse and keyboard, whose values stand below the picture.

const WIDTH = 380;
const HEIGHT = 190;
const EDGE = { left: 46, right: 12, top: 12, bottom: 24 };

/** Round numbers that span a range. */
function ticks(low, high, most = 5) {
  const raw = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw);
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n += 1) {
    found.push(Number((n * step).toPrecision(12)));
  }
  return found;
}

/**
 * Draws charts in the place of those that are there. One whose values are the same stays; of the
 * others the cursor and the focus stay where they were.
 * @param place where they stand
 * @param wanted {title, unit, series, holds}, see `chart`
 */
function drawCharts(place, wanted) {
  const before = new Map([...place.children].map((figure) => [figure.dataset.chart, figure]));
  const focused = document.activeElement?.closest?.(".chart");
  const found = wanted.map((one) => {
    const name = `${one.title}, ${one.unit}`;
    const values = JSON.stringify(one.series);
    const old = before.get(name);
    if (old && drawnValues.get(old) === values) return old;
    const figure = chart(one, old?.dataset.step);
    if (figure) {
      figure.dataset.chart = name;
      drawnValues.set(figure, values);
    }
    return figure;
  }).filter(Boolean);
  place.replaceChildren(...(found.length ? found : [el("p", { class: "hint" }, "No step is done yet.")]));
  if (focused && place.contains(document.activeElement) === false) {
    found.find((figure) => figure.dataset.chart === focused.dataset.chart)
      ?.querySelector("svg").focus({ preventScroll: true });
  }
}

const drawnValues = new WeakMap();

/**
 * A chart of some series.
 * @param title what is shown
 * @param unit of the values
 * @param series {name, points: [[step, value], …]}, values null where unknown
 * @param holds whether the legend keeps to the last value that is known at a step
 * @param from the step that the cursor stands at; the last one where there is none
 */
function chart({ title, unit, series, holds = false }, from) {
  // A series has its colour by its place, whichever others are empty.
  const known = series
    .map((one, place) => ({
      ...one, colour: place % 6, points: one.points.filter(([, y]) => typeof y === "number"),
    }))
    .filter((one) => one.points.length);
  if (!known.length) return null;
  const xs = [...new Set(known.flatMap((one) => one.points.map(([x]) => x)))].sort((a, b) => a - b);
  const ys = known.flatMap((one) => one.points.map(([, y]) => y));
  let [low, high] = [Math.min(...ys), Math.max(...ys)];
  const pad = (high - low) * 0.08 || Math.abs(high) * 0.1 || 0.5;
  low = low >= 0 && low - pad < 0 ? 0 : low - pad;
  high += pad;
  const [first, last] = [xs[0], xs.at(-1)];
  const across = (x) => EDGE.left
    + (last === first ? 0.5 : (x - first) / (last - first)) * (WIDTH - EDGE.left - EDGE.right);
  const up = (y) => HEIGHT - EDGE.bottom
    - ((y - low) / (high - low)) * (HEIGHT - EDGE.top - EDGE.bottom);

  const picture = shape("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: 0,
    "aria-label": `${title} over steps; arrow keys move along the steps`,
  });
  for (const y of ticks(low, high)) {
    picture.append(
      shape("line", { class: "grid", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: up(y), y2: up(y) }),
      shape("text", { x: EDGE.left - 6, y: up(y) + 4, "text-anchor": "end" }, compact(y)),
    );
  }
  const wanted = last === first ? [first] : ticks(first, last, 6).filter(Number.isInteger);
  for (const x of wanted) {
    picture.append(
      shape("text", { x: across(x), y: HEIGHT - 6, "text-anchor": "middle" }, String(x)),
    );
  }
  for (const one of known) {
    const path = one.points.map(([x, y], n) => `${n ? "L" : "M"}${across(x)} ${up(y)}`).join("");
    picture.append(shape("path", { class: `curve c${one.colour}`, d: path }));
    if (one.points.length <= 30) {
      for (const [x, y] of one.points) {
        picture.append(shape("circle", { class: `f${one.colour}`, cx: across(x), cy: up(y), r: 3 }));
      }
    }
  }
  const cursor = shape("line", { class: "cursor", y1: EDGE.top, y2: HEIGHT - EDGE.bottom, visibility: "hidden" });
  picture.append(cursor);

  const legend = el("p", { class: "legend", "aria-live": "polite" });
  const figure = el("figure", { class: "chart" },
    el("h3", {}, title, " ", el("span", {}, unit)), picture, legend);
  const stood = from === undefined ? -1 : xs.indexOf(Number(from));
  let at = stood < 0 ? xs.length - 1 : stood;
  const say = (visible) => {
    const x = xs[at];
    if (at < xs.length - 1) figure.dataset.step = x;
    else delete figure.dataset.step;
    cursor.setAttribute("x1", across(x));
    cursor.setAttribute("x2", across(x));
    cursor.setAttribute("visibility", visible ? "visible" : "hidden");
    legend.replaceChildren(
      el("span", { class: "soft" }, `step ${x}`),
      ...known.map((one) => {
        const found = one.points.findLast(([step]) => (holds ? step <= x : step === x));
        return el("span", {}, el("i", { class: `f${one.colour}` }), `${one.name} `,
          el("b", {}, shown(found ? found[1] : null)));
      }),
    );
  };
  const move = (event) => {
    const box = picture.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    at = xs.reduce((best, step, n) => (
      Math.abs(across(step) - x) < Math.abs(across(xs[best]) - x) ? n : best), 0);
    say(true);
  };
  picture.addEventListener("pointermove", move);
  picture.addEventListener("pointerdown", move);
  picture.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: xs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    at = Math.min(Math.max(to, 0), xs.length - 1);
    say(true);
  });
  picture.addEventListener("focus", () => say(true));
  for (const gone of ["pointerleave", "blur"]) picture.addEventListener(gone, () => say(false));
  say(false);
  return figure;
}

function compact(value) {
  const size = Math.abs(value);
  const text = size >= 1e6 ? `${Number((value / 1e6).toPrecision(3))}M`
    : size >= 1e4 ? `${Number((value / 1e3).toPrecision(3))}k` : String(value);
  return text.replace("-", "−");
}
