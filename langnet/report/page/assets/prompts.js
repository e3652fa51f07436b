// The history of each prompt: what changed, among which candidates, and why.

function prompts(place, run) {
  for (const prompt of run.prompts) {
    const changes = prompt.choices.filter((choice) => !choice.kept).length;
    place.append(
      el("h3", {}, prompt.name, " ",
        el("span", { class: "soft" }, `changed in ${changes} of ${counted(prompt.choices.length, "step")}`)),
      el("h4", {}, prompt.initial === prompt.fitted ? "The same at the start and at its best"
        : "From the start to the best"),
      marked(prompt.initial, prompt.fitted),
      ...prompt.choices.map((choice, number) => chosen(run, prompt, choice, number)),
    );
  }
}

function chosen(run, prompt, choice, number) {
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
    const candidates = (await block(prompt.block))[number];
    details.append(el("div", {}, filledIn(choice, candidates)));
  });
  return details;
}

function filledIn(choice, candidates) {
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
        n === 0 ? el("p", { class: "text" }, text) : marked(incumbent, text));
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
