// What people said of a run, what became of it, and what it comes to.

/** What two prompts have in common that count as the same. */
function canonical(text) {
  return text.toLowerCase().split(/\s+/).filter(Boolean).join(" ");
}

/** The last word on whether the fit is to go on, of what it has not taken yet. */
function controlAsked(run) {
  return run.entries.filter((one) => one.taken === null && ["pause", "resume", "stop"].includes(one.kind))
    .at(-1)?.kind ?? "";
}

/** What holds for a prompt: the text that it is pinned to, and those that it is not to be. */
function holdsFor(run, prompt) {
  const holds = { pinned: null, waits: false, banned: new Set() };
  for (const one of run.entries) {
    if (one.prompt !== prompt || one.refused) continue;
    if (one.kind === "pin" || one.kind === "unpin") {
      holds.pinned = one.kind === "pin" ? one.text : null;
      holds.waits = one.taken === null;
    }
    if (one.kind === "ban") holds.banned.add(canonical(one.text));
    if (one.kind === "unban") holds.banned.delete(canonical(one.text));
  }
  return holds;
}

/** The last rating of a text, if there is one. */
function ratingOf(run, example, node, text) {
  return run.entries.findLast((one) => one.kind === "rating" && one.example === example
    && one.node === node && one.output === text && !one.refused);
}

const ABOUT = {
  rating: (one) => `${one.node} for ${one.example}: ${one.good ? "good" : "bad"}`,
  feedback: (one) => `feedback on ${one.prompt ?? "every prompt"}`,
  candidate: (one) => `candidate for ${one.prompt}`,
  pin: (one) => `pin ${one.prompt}`,
  unpin: (one) => `unpin ${one.prompt}`,
  ban: (one) => `ban for ${one.prompt}`,
  unban: (one) => `allow again for ${one.prompt}`,
  proposals: (one) => `${counted(one.count, "more proposal")} for ${one.prompt ?? "every prompt"}`,
  pause: () => "pause",
  resume: () => "resume",
  stop: () => "stop",
};

/** Lists what was said, the latest first; what comes back lists it again. */
function saidList(place, run) {
  const items = el("ol", { class: "said", reversed: true, "aria-label": "what was said" });
  const summary = el("summary");
  const details = el("details", { open: true, hidden: true }, summary, items);
  place.append(details);
  let drawn = "";
  return () => {
    const now = JSON.stringify([run.entries, run.status]);
    if (now === drawn) return;
    drawn = now;
    details.hidden = !run.entries.length;
    const waiting = run.entries.filter((one) => one.taken === null && !one.refused).length;
    summary.textContent = `What was said: ${counted(run.entries.length, "entry").replace("entrys", "entries")}`
      + (waiting ? `, ${waiting} not taken yet` : "");
    items.replaceChildren(...run.entries.toReversed().map((one) => el("li", {},
      el("div", { class: "row" }, el("b", {}, ABOUT[one.kind]?.(one) ?? one.kind), became(run, one),
        el("span", { class: "soft" }, [one.by || "somebody", one.at ? new Date(one.at).toLocaleTimeString() : ""]
          .filter(Boolean).join(", "))),
      one.output ? el("p", { class: "text" }, one.output) : null,
      one.text ? el("p", { class: one.kind === "rating" || one.kind === "feedback" ? "remark" : "text" }, one.text) : null)));
  };
}

function became(run, one) {
  if (one.refused) return el("span", { class: "badge refused" }, `refused: ${one.refused}`);
  if (one.taken !== null) return el("span", { class: "badge took" }, `taken before step ${one.taken + 1}`);
  const goes = run.status === "running" || run.status === "paused";
  return el("span", { class: "badge" }, goes ? "waits for the next step" : "waits until the fit goes on");
}
