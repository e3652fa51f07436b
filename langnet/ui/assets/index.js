// The list of runs, and the validations of those that are chosen over each other.

const rows = new Map();
const compared = new Set();
const list = document.getElementById("runs");
let isDue = false;

function draw() {
  isDue = false;
  const all = [...rows.values()].sort((a, b) => going(b.run) - going(a.run)
    || b.run.changed - a.run.changed || a.run.name.localeCompare(b.run.name));
  document.getElementById("none").hidden = all.length > 0;
  document.getElementById("list").hidden = !all.length;
  // Rows keep their elements, so that the focus stays where it is.
  all.forEach((row, n) => { if (list.children[n] !== row.element) list.insertBefore(row.element, list.children[n] ?? null); });
  const chosen = all.filter((row) => compared.has(row.run.name));
  document.getElementById("compare").hidden = chosen.length < 2;
  document.getElementById("report").href = `/report?${chosen.slice(0, 8).map((row) => `run=${encodeURIComponent(row.run.name)}`).join("&")}`;
  if (chosen.length > 1) {
    drawCharts(document.getElementById("overlay"), [{
      title: "Validation", unit: "metric", holds: true,
      series: chosen.map((row) => ({ name: row.run.name, points: row.run.validations })),
    }]);
  }
}

function going(run) {
  return Number(run.status === "running" || run.status === "paused");
}

function rowOf(name) {
  const box = el("input", { type: "checkbox", "aria-label": `compare ${name}` });
  box.addEventListener("change", () => {
    if (box.checked) compared.add(name);
    else compared.delete(name);
    draw();
  });
  const cells = Array.from({ length: 7 }, () => el("td"));
  const about = el("span", { class: "soft" });
  const labels = ["status", "step", "validation", "last", "best", "gain", "changed"];
  cells.forEach((cell, n) => { cell.dataset.label = labels[n]; });
  const element = el("tr", {}, el("td", { class: "box" }, box),
    el("th", { scope: "row" }, el("a", { href: addressOf(name) }, name), about), cells);
  return { element, cells, about };
}

function fill(row) {
  const { run } = row;
  const [status, step, curve, last, best, gain, changed] = row.cells;
  row.about.textContent = [run.network, run.task].filter(Boolean).join(", ");
  status.replaceChildren(standingOf(run.status), run.phase && going(run) ? el("span", { class: "soft" }, ` ${run.phase}`) : "");
  step.textContent = run.steps ? `${run.step} of ${run.steps}` : String(run.step);
  if (going(run) && run.left) step.append(el("span", { class: "soft" }, ` ${lasting(run.left)} left`));
  curve.replaceChildren(sparkline(run.validations));
  last.textContent = shown(run.last);
  best.textContent = shown(run.best);
  gain.textContent = gainOf(run.gain);
  changed.textContent = new Date(run.changed * 1000).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
}

function gainOf(gain) {
  if (!gain || typeof gain.mean !== "number") return "–";
  const interval = typeof gain.low === "number" ? ` (${shown(gain.low)} to ${shown(gain.high)})` : "";
  return shown(gain.mean) + interval;
}

function sparkline(validations) {
  const known = validations.filter(([, value]) => typeof value === "number");
  if (known.length < 2) return el("span", { class: "soft" }, "–");
  const xs = known.map(([x]) => x);
  const ys = known.map(([, y]) => y);
  const [left, right, low, high] = [xs[0], xs.at(-1), Math.min(...ys), Math.max(...ys)];
  const at = ([x, y]) => [2 + (96 * (x - left)) / (right - left || 1), 22 - (20 * (y - low)) / (high - low || 1)];
  const top = known.find(([, y]) => y === high);
  return shape("svg", { class: "spark", viewBox: "0 0 100 24", role: "img",
    "aria-label": `validation from ${shown(ys[0])} to ${shown(ys.at(-1))}, ${shown(high)} at best` },
  shape("path", { class: "curve c0", d: known.map((point, n) => `${n ? "L" : "M"}${at(point).join(" ")}`).join("") }),
  shape("circle", { class: "f0", cx: at(top)[0], cy: at(top)[1], r: 2.5 }));
}

follow("/events", (piece) => {
  if (piece.part === "begin") {
    rows.clear();
    list.replaceChildren();
  } else if (piece.part === "gone") {
    rows.get(piece.name)?.element.remove();
    rows.delete(piece.name);
    compared.delete(piece.name);
  } else if (piece.part === "run") {
    const { name } = piece.run;
    const row = rows.get(name) ?? rowOf(name);
    rows.set(name, row);
    row.run = piece.run;
    fill(row);
  }
  if (!isDue) {
    isDue = true;
    setTimeout(() => { draw(); document.documentElement.dataset.ready = "yes"; }, 60);
  }
});
