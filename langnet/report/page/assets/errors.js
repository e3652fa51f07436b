// Which answers are given for which targets, over validations.

const MOST_CLASSES = 24;

/** Draws the errors of a run; what comes back draws them again, for the validation that was chosen. */
function errors(place, run, look) {
  let chosen = null;
  let [dev, steps, classes, best] = [[], [], [], null];
  const failures = el("ul");
  const count = el("summary");
  const failed = el("details", {}, count, failures);
  const hint = el("p", { class: "hint" });
  const pick = el("input", { type: "range", min: 0, step: 1, "aria-label": "validation" });
  const said = el("span", {});
  const tools = el("div", { class: "tools" }, el("label", { class: "wide" }, "validation", pick), said);
  const table = el("div", { class: "scroll", tabindex: 0 });
  place.append(hint, tools, table);
  const draw = () => {
    const step = steps[Number(pick.value)];
    said.textContent = `after ${counted(step, "step")}${step === best ? " (the best)" : ""}`;
    table.replaceChildren(confusion(run, dev, classes, step, look));
  };
  const refresh = () => {
    dev = run.examples.filter((one) => one.target !== null && one.seen.some(([, kind]) => kind === 1));
    steps = [...new Set(dev.flatMap((one) => one.seen.filter(([, kind]) => kind).map(([step]) => step)))]
      .sort((a, b) => a - b);
    classes = [...new Set(dev.map((one) => one.target))].sort();
    best = run.validations.reduce((top, found) => (found[1] > top[1] ? found : top), [steps.at(-1), -Infinity])[0];
    if (run.failures.length && !failed.isConnected) place.prepend(failed);
    count.textContent = `${counted(run.failures.length, "example")} failed`;
    failures.replaceChildren(...run.failures.map(([step, example, error]) => (
      el("li", {}, `step ${step}, ${example}: ${error}`))));
    const countable = steps.length > 0 && classes.length <= MOST_CLASSES;
    tools.hidden = !countable;
    table.hidden = !countable;
    hint.textContent = countable
      ? "Targets in rows, answers in columns, on the validation examples. Choose a count to see its examples."
      : steps.length ? "The targets are free texts, not classes: look at the examples instead."
        : "The run keeps no answers of its validations, so there is nothing to count.";
    if (!countable) return;
    pick.max = steps.length - 1;
    pick.value = Math.max(steps.indexOf(chosen ?? best), 0);
    draw();
  };
  pick.addEventListener("input", () => { chosen = steps[Number(pick.value)]; draw(); });
  refresh();
  return refresh;
}

function confusion(run, dev, classes, step, look) {
  const counts = new Map();
  const right = new Map();
  for (const one of dev) {
    const seen = one.seen.find(([at, kind]) => at === step && kind === 1);
    if (!seen) continue;
    const said = seen[3] === null ? "(failed)" : run.answers[seen[3]];
    const key = JSON.stringify([one.target, said]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const [n, sum] = right.get(one.target) ?? [0, 0];
    right.set(one.target, [n + 1, sum + (seen[2] ?? 0)]);
  }
  const totals = new Map();
  for (const [key, n] of counts) {
    const [, said] = JSON.parse(key);
    totals.set(said, (totals.get(said) ?? 0) + n);
  }
  const others = [...totals.keys()].filter((said) => !classes.includes(said))
    .sort((a, b) => totals.get(b) - totals.get(a));
  const columns = [...classes, ...others.slice(0, 8)];
  const rest = others.slice(8);
  const marks = right.size && [...right.values()].some(([, sum]) => sum);
  const head = ["", ...columns, ...(rest.length ? [`${rest.length} others`] : []), ...(marks ? ["metric"] : [])];
  return el("table", { class: "confusion" },
    el("thead", {}, el("tr", {}, head.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, classes.map((target) => {
      const of = (said) => counts.get(JSON.stringify([target, said])) ?? 0;
      const [n, sum] = right.get(target) ?? [0, 0];
      return el("tr", {}, el("th", { scope: "row" }, target),
        columns.map((said) => {
          const count = of(said);
          const kind = !count ? "" : said === target ? "same" : "other";
          return el("td", { class: kind }, count ? el("button", {
            type: "button", "aria-label": `${count} with target ${target} and answer ${said}`,
            onclick: () => look({ step, target, said }),
          }, count) : "0");
        }),
        rest.length ? el("td", {}, rest.reduce((total, said) => total + of(said), 0)) : null,
        marks ? el("td", {}, n ? shown(sum / n) : "–") : null);
    })));
}
