// The history of each prompt: what changed, among which candidates, and why.

/**
 * Draws the prompts of a run; what comes back draws what has come since, and leaves open what is.
 * @param extras {prompt(prompt), candidate(prompt, choice, number, text)}: elements to add to
 *     each prompt and to each candidate
 */
function prompts(place, run, extras = {}) {
  const parts = new Map();
  const refresh = () => {
    for (const prompt of run.prompts) {
      if (!parts.has(prompt.name)) parts.set(prompt.name, promptPart(place, prompt, extras));
      parts.get(prompt.name)();
    }
  };
  refresh();
  return refresh;
}

function promptPart(place, prompt, extras) {
  const changed = el("span", { class: "soft" });
  const title = el("h4");
  const text = el("div");
  const steps = el("div");
  let fitted = null;
  place.append(el("h3", {}, prompt.name, " ", changed),
    ...[extras.prompt?.(prompt)].filter(Boolean), title, text, steps);
  return () => {
    const changes = prompt.choices.filter((choice) => !choice.kept).length;
    changed.textContent = `changed in ${changes} of ${counted(prompt.choices.length, "step")}`;
    if (fitted !== prompt.fitted) {
      fitted = prompt.fitted;
      title.textContent = prompt.initial === fitted ? "The same at the start and at its best"
        : "From the start to the best";
      text.replaceChildren(marked(prompt.initial, fitted));
    }
    for (let n = steps.children.length; n < prompt.choices.length; n += 1) {
      steps.append(chosen(prompt, prompt.choices[n], n, extras));
    }
  };
}

function chosen(prompt, choice, number, extras) {
  const gain = choice.gain === null ? ""
    : `, gain ${shown(choice.gain)}${choice.error === null ? "" : ` ± ${shown(choice.error)}`}`;
  const what = choice.kept ? "kept"
    : `changed${choice.origin ? ` by ${choice.origin}` : ""}${gain}`;
  const details = el("details", { class: choice.kept ? "" : "taken" },
    el("summary", {}, `Step ${choice.step} `, el("span", { class: "badge" }, what), " ",
      el("span", { class: "soft" }, counted(choice.count, "candidate"))));
  details.addEventListener("toggle", async () => {
    if (!details.open || details.dataset.filled) return;
    details.dataset.filled = "yes";
    const candidates = await candidatesOf(prompt, number);
    details.append(el("div", {}, filledIn(prompt, choice, candidates, extras)));
  });
  return details;
}

function filledIn(prompt, choice, candidates, extras) {
  const [incumbent] = candidates[0];
  const most = Math.max(...candidates.map(([, , , examples]) => examples ?? 0));
  // A score on a few examples is a rough one: those that were seen on more come first.
  const order = candidates.map((_, n) => n).sort((a, b) => (
    (candidates[b][3] ?? 0) - (candidates[a][3] ?? 0) || rank(candidates[b]) - rank(candidates[a])));
  const dropped = Object.entries(choice.dropped).filter(([, n]) => n).map(([why, n]) => `${n} ${why}`).join(", ");
  return [
    choice.kept ? null : el("h4", {}, "What changed"),
    choice.kept ? null : marked(incumbent, candidates[choice.chosen][0]),
    el("h4", {}, "Candidates, the best first; marked is what differs from the prompt before the step"),
    ...order.map((n) => {
      const [text, origin, score, examples] = candidates[n];
      return el("div", { class: n === choice.chosen ? "candidate taken" : "candidate" },
        el("div", { class: "row" },
          el("span", { class: "badge" }, origin || "proposed"),
          el("span", {}, "score ", el("b", {}, shown(score))),
          examples === null ? null : el("span", { class: "soft" }, `on ${counted(examples, "example")}`),
          el("span", {}, verdict(choice, n, examples, most))),
        n === 0 ? el("p", { class: "text" }, text) : marked(incumbent, text),
        extras.candidate?.(prompt, choice, n, text));
    }),
    dropped ? el("p", { class: "hint" }, `Proposals that were dropped: ${dropped}.`) : null,
  ];
}

function rank(candidate) {
  return typeof candidate[2] === "number" ? candidate[2] : -Infinity;
}

function verdict(choice, n, examples, most) {
  if (n === choice.chosen) {
    if (n === 0) return choice.winner === 0 ? "kept: none was better" : "kept: the better one passed no test";
    const error = choice.error === null ? "" : ` ± ${shown(choice.error)}`;
    return `taken: the best mean of all that stayed, gain ${shown(choice.gain)}${error}`;
  }
  if (n === choice.winner) return "the best mean, but it did not pass the acceptance test";
  if (examples !== null && examples < most) return `raced away after ${examples} of ${most} examples`;
  return "a lower mean";
}
