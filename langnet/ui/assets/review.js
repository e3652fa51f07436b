// Outputs one after the other, by keyboard: those that are wrong first, then those not rated.

/** Makes the button that opens the review. */
function reviewing(run) {
  const node = el("select", { "aria-label": "node" });
  const where = el("span", { class: "soft" });
  const body = el("div", { class: "case" });
  const status = el("span", { class: "soft", role: "status" });
  const remark = el("input", { type: "text", maxlength: 2000, placeholder: "why? Enter sends it as bad", "aria-label": "remark" });
  const good = el("button", { type: "button", onclick: () => rate(true) }, "Good ", el("kbd", {}, "G"));
  const bad = el("button", { type: "button", onclick: () => rate(false) }, "Bad ", el("kbd", {}, "B"));
  const dialog = el("dialog", { class: "review", "aria-labelledby": "review-title" },
    el("div", { class: "tools" }, el("h2", { id: "review-title" }, "Review"), node, where, el("span", { class: "grow" }),
      el("button", { type: "button", onclick: () => dialog.close() }, "Close ", el("kbd", {}, "Esc"))),
    body,
    el("div", { class: "tools" }, good, bad, remark,
      el("button", { type: "button", onclick: () => move(-1) }, "Back ", el("kbd", {}, "←")),
      el("button", { type: "button", onclick: () => move(1) }, "Skip ", el("kbd", {}, "→"))),
    status);
  document.body.append(dialog);
  let queue = [];
  let at = 0;
  let here = null;

  function begin() {
    const asked = node.value;
    const wrong = (one) => { const value = one.seen.at(-1)[2]; return value === null || value < 1; };
    const rated = new Set(run.entries.filter((one) => one.kind === "rating" && one.node === asked && !one.refused)
      .map((one) => one.example));
    queue = run.examples.filter((one) => !rated.has(one.id))
      .sort((a, b) => Number(wrong(b)) - Number(wrong(a)));
    at = 0;
    status.textContent = "";
    show();
  }
  async function show() {
    here = null;
    remark.value = "";
    where.textContent = queue.length ? `${Math.min(at + 1, queue.length)} of ${queue.length}` : "";
    for (const button of [good, bad, remark]) button.disabled = at >= queue.length;
    if (at >= queue.length) {
      body.replaceChildren(el("p", { class: "hint" }, queue.length ? "That was the last one." : "There is nothing to review."));
      return;
    }
    const one = queue[at];
    const story = await storyOf(one);
    if (queue[at] !== one) return;
    const seen = story.moments.at(-1);
    const texts = Object.fromEntries(Object.entries(seen.texts).map(([name, number]) => [name, story.texts[number]]));
    here = { one, texts };
    const value = one.seen.at(-1)[2];
    body.replaceChildren(
      ...Object.entries(story.inputs).flatMap(([name, text]) => [el("h4", {}, `input ${name}`), el("p", { class: "text" }, text)]),
      ...Object.entries(story.targets).flatMap(([name, text]) => [el("h4", {}, `target of ${name}`), el("p", { class: "text" }, text)]),
      ...Object.entries(texts).flatMap(([name, text]) => [
        el("h4", {}, name, name === run.target && value !== null ? el("span", { class: `value ${value === 1 ? "right" : "wrong"}` }, ` ${run.metric} ${shown(value)}`) : ""),
        el("p", { class: name === node.value ? "text asked" : "text" }, text)]),
      ...(seen.feedback ? [el("h4", {}, "what the metric said"), el("p", { class: "text" }, seen.feedback)] : []));
  }
  async function rate(isGood) {
    if (!here) return;
    const { one, texts } = here;
    if (!texts[node.value]) return;
    here = null;
    const entry = { ...ratingEntry(run, one, node.value, texts), good: isGood, text: remark.value };
    if (await say(entry, status)) {
      status.textContent = `${one.id}: ${isGood ? "good" : "bad"}`;
      move(1);
    } else here = { one, texts };
  }
  function move(by) {
    at = Math.min(Math.max(at + by, 0), queue.length);
    good.focus();
    show();
  }
  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === remark) {
      if (event.key === "Enter") rate(false);
      return;
    }
    if (event.target === node) return;
    const act = {
      g: () => rate(true), b: () => remark.focus(), ArrowRight: () => move(1), ArrowLeft: () => move(-1),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  bad.addEventListener("keydown", (event) => { if (event.key === "b") event.stopPropagation(); });
  node.addEventListener("change", begin);
  return el("button", { type: "button", onclick: () => {
    const names = rateable(run).map((one) => one.name);
    const before = node.value || (names.includes(run.target) ? run.target : names.at(-1));
    node.replaceChildren(...names.map((name) => el("option", { value: name }, name)));
    node.value = before;
    dialog.showModal();
    good.focus();
    begin();
  } }, "Review outputs by keyboard");
}
