// Any example at any step: every node's text, what changed, and the posterior draws.

const PAGE = 50;

/**
 * Draws the examples of a run.
 * @param extras {text(one, node, texts)}: an element to add to a node's text, of all the texts
 * @returns {look, refresh}: shows the examples of a count of errors; draws what has come since
 */
function examples(place, run, extras = {}) {
  let cell = null;
  let page = 0;
  let current = null;
  let opened = null;
  const none = el("p", { class: "hint" }, "The run keeps no texts of examples, as with --no-traces.");
  const show = el("select", { "aria-label": "which examples" },
    [["all", "all examples"], ["wrong", "wrong at the end"], ["gained", "wrong at first, right at the end"],
      ["lost", "right at first, wrong at the end"], ["dev", "validation examples"], ["train", "training examples"]]
      .map(([value, text]) => el("option", { value }, text)));
  const search = el("input", { type: "search", placeholder: "find in inputs and targets", "aria-label": "find" });
  const only = el("button", { type: "button", hidden: true, onclick: () => { cell = null; page = 0; list(); } });
  const items = el("ul", { class: "list", "aria-label": "examples" });
  const where = el("span", {});
  const back = el("button", { type: "button", onclick: () => { page -= 1; list(); } }, "previous");
  const on = el("button", { type: "button", onclick: () => { page += 1; list(); } }, "next");
  const detail = el("div", { class: "detail", "aria-live": "polite" });
  const all = el("div", {},
    el("p", { class: "hint" }, "Beside each example: ● right, ○ wrong, ◐ in part, in the order in which it was seen."),
    el("div", { class: "tools" }, show, search, only),
    el("div", { class: "browser" },
      el("div", {}, items, el("div", { class: "pager" }, back, where, on)), detail));
  place.append(none, all);

  const wanted = (one) => {
    const words = search.value.toLowerCase();
    return kept(one, show.value) && (!cell || inCell(run, one, cell))
      && (!words || `${one.id} ${one.preview} ${one.target}`.toLowerCase().includes(words));
  };
  function list(again = false) {
    const found = run.examples.filter(wanted);
    const pages = Math.max(Math.ceil(found.length / PAGE), 1);
    page = Math.min(Math.max(page, 0), pages - 1);
    only.hidden = !cell;
    only.textContent = cell ? `target ${cell.target}, answer ${cell.said}, after step ${cell.step} ×` : "";
    where.textContent = `${counted(found.length, "example")}, page ${page + 1} of ${pages}`;
    back.disabled = page === 0;
    on.disabled = page >= pages - 1;
    const visible = found.slice(page * PAGE, (page + 1) * PAGE);
    const { scrollTop } = items;
    const focused = items.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    items.replaceChildren(...visible.map((one) => el("li", {}, el("button", {
      type: "button", "aria-current": String(one === current), "data-id": one.id, onclick: () => open(one),
    }, one.preview || one.id, el("span", { class: "trail" }, trail(one))))));
    if (again) {
      items.scrollTop = scrollTop;
      if (focused !== null) [...items.querySelectorAll("button")].find((one) => one.dataset.id === focused)?.focus();
    }
    // What the reader has open stays open, even where it is no longer on the list.
    if (!visible.includes(current) && !(again && current)) {
      if (visible.length) open(visible[0]);
      else detail.replaceChildren(el("p", { class: "hint" }, "No example is like that."));
    }
  }
  async function open(one) {
    current = one;
    opened = null;
    for (const button of items.querySelectorAll("button")) {
      button.setAttribute("aria-current", String(button.dataset.id === one.id));
    }
    const story = await storyOf(one);
    if (current !== one) return;
    opened = told(run, one, story, cell, extras);
    detail.replaceChildren(...opened.elements);
  }
  async function refresh() {
    none.hidden = run.examples.length > 0;
    all.hidden = !run.examples.length;
    if (!run.examples.length) return;
    // Validation examples come back at every validation, so they can be followed.
    if (!current && run.examples.some((one) => one.part === "dev")) show.value = "dev";
    list(true);
    const [one, before] = [current, opened];
    if (!before || before.seen >= one.seen.length) return;
    const story = await storyOf(one);
    if (opened === before) before.refresh(story);
  }
  function look(found) {
    [cell, page, show.value, search.value] = [found, 0, "all", ""];
    current = null;
    list();
    place.scrollIntoView();
  }
  show.addEventListener("change", () => { page = 0; list(); });
  search.addEventListener("input", () => { page = 0; list(); });
  refresh();
  return { look, refresh };
}

function marks(one) {
  const validated = one.seen.filter(([, kind]) => kind === 1);
  return validated.length ? validated : one.seen;
}

function kept(one, which) {
  const seen = marks(one);
  const [first, last] = [seen[0][2], seen.at(-1)[2]];
  if (which === "dev" || which === "train") return one.part === which;
  if (which === "wrong") return last !== null && last < 1;
  if (which === "gained") return first !== null && first < 1 && last === 1;
  if (which === "lost") return first === 1 && last !== null && last < 1;
  return true;
}

function inCell(run, one, cell) {
  const seen = one.seen.find(([step, kind]) => step === cell.step && kind === 1);
  const said = seen && (seen[3] === null ? "(failed)" : run.answers[seen[3]]);
  return Boolean(seen) && one.target === cell.target && said === cell.said;
}

/** Right and wrong over the times that an example was seen. */
function trail(one) {
  const signs = marks(one).slice(-40).map(([, , value]) => (
    value === null ? "·" : value === 1 ? "●" : value === 0 ? "○" : "◐"));
  return `${one.part} ${signs.join("")}`;
}

function told(run, one, story, cell, extras) {
  let texts = story;
  // Of a run that goes on a story may know of more than the list does.
  const seen = () => texts.seen ?? one.seen;
  const pick = el("input", { type: "range", min: 0, max: story.moments.length - 1, step: 1, "aria-label": "when" });
  const asked = cell ? seen().findIndex(([step, kind]) => step === cell.step && kind === 1) : -1;
  pick.value = asked >= 0 ? asked : story.moments.length - 1;
  const compare = el("input", { type: "checkbox", checked: true });
  const said = el("span", {});
  const newer = el("button", { type: "button", hidden: true, onclick: () => { pick.value = pick.max; draw(); } },
    "seen again since: show it");
  const below = el("div", {});
  const draw = () => {
    const n = Number(pick.value);
    const [step, kind, value] = seen()[n];
    const mark = value === null ? "" : value === 1 ? "right" : value === 0 ? "wrong" : "part";
    said.replaceChildren(
      kind ? `validation after ${counted(step, "step")}` : `batch of step ${step}`,
      value === null ? "" : " ", value === null ? "" : el("span", { class: `value ${mark}` }, `${run.metric} ${shown(value)}`));
    newer.hidden = n === texts.moments.length - 1 || texts === story;
    below.replaceChildren(...moment(one, texts, n, compare.checked, extras));
  };
  pick.addEventListener("input", draw);
  compare.addEventListener("change", draw);
  draw();
  const found = {
    seen: story.moments.length,
    elements: [
      el("h4", {}, one.id),
      ...Object.entries(story.inputs).flatMap(([name, text]) => [el("h4", {}, `input ${name}`), el("p", { class: "text" }, text)]),
      ...Object.entries(story.targets).flatMap(([name, text]) => [el("h4", {}, `target of ${name}`), el("p", { class: "text" }, text)]),
      el("div", { class: "tools when" }, el("label", { class: "wide" }, "when", pick), said, newer,
        el("label", {}, compare, "mark what changed since it was last seen")),
      below,
    ],
    // What is being read stays; how to see what has come since is offered.
    refresh(now) {
      texts = now;
      found.seen = now.moments.length;
      pick.max = now.moments.length - 1;
      newer.hidden = false;
    },
  };
  return found;
}

function moment(one, story, n, comparing, extras) {
  const here = story.moments[n];
  const before = story.moments[n - 1];
  const texts = Object.fromEntries(
    Object.entries(here.texts).map(([name, number]) => [name, story.texts[number]]));
  const found = Object.entries(here.texts).flatMap(([name, number]) => {
    const text = texts[name];
    const old = before?.texts[name];
    const changed = old !== undefined && old !== number;
    return [
      el("h4", {}, name, changed ? " (changed)" : ""),
      changed && comparing ? marked(story.texts[old], text) : el("p", { class: "text" }, text),
      extras.text?.(one, name, texts),
    ].filter(Boolean);
  });
  if (here.error) found.push(el("h4", {}, "failed"), el("p", { class: "text" }, here.error));
  if (here.feedback) found.push(el("h4", {}, "what the metric said"), el("p", { class: "text" }, here.feedback));
  if (here.alternatives) {
    const nodes = [...new Set(here.alternatives.map(([node]) => node))];
    for (const node of nodes) {
      found.push(el("h4", {}, `posterior of ${node}, given the target`), ...here.alternatives
        .filter(([name]) => name === node).sort((a, b) => b[2] - a[2])
        .map(([, text, weight, source]) => draw_of(story.texts[text], weight, source)));
    }
  }
  return found;
}

function draw_of(text, weight, source) {
  return el("div", { class: "draw" },
    el("div", { class: "weight" }, shown(weight),
      shape("svg", { viewBox: "0 0 100 5", preserveAspectRatio: "none", "aria-hidden": "true" },
        shape("rect", { class: "whole", width: 100, height: 5 }),
        shape("rect", { width: 100 * weight, height: 5 })),
      el("span", { class: "soft" }, source)),
    el("p", { class: "text" }, text));
}
