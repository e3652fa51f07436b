// What the fit does now: its step and phase, calls, tokens and money, and every node of it.

/** Draws what a fit does; what comes back draws it again. */
function nowPanel(place, nodesPlace, run) {
  const status = el("span", { role: "status" });
  const phase = el("span", { class: "phase" });
  const sent = el("span", { class: "soft", role: "status" });
  const [pause, resume, stop] = [["pause", "Pause"], ["resume", "Resume"], ["stop", "Stop"]]
    .map(([kind, word]) => el("button", { type: "button", onclick: () => say({ kind }, sent) }, word));
  const progress = el("progress", { max: 1, "aria-label": "this phase" });
  const facts = el("dl", { class: "facts" });
  const rows = el("tbody");
  nodesPlace.append(el("table", { class: "figures nodes" },
    el("thead", {}, el("tr", {}, ["node", "now", "open calls", "calls", "calls/s", "tokens given", "drawn"]
      .map((text) => el("th", { scope: "col" }, text)))), rows));
  const fault = el("p", { class: "fault", role: "alert", hidden: true });
  place.append(el("div", { class: "tools now" }, status, phase, el("span", { class: "grow" }),
    pause, resume, stop), sent, progress, facts, fault);
  return () => {
    const live = run.live ?? {};
    const goes = run.status === "running" || run.status === "paused";
    const asks = controlAsked(run);
    const text = asks === "pause" && run.status === "running" ? "pausing"
      : asks === "stop" && goes ? "stopping" : run.status;
    if (status.textContent !== text) status.replaceChildren(standingOf(text));
    phase.textContent = phaseOf(run, live, goes);
    pause.hidden = !goes || asks === "pause" || asks === "stop" || run.status === "paused";
    resume.hidden = !goes || (asks !== "pause" && run.status !== "paused");
    stop.hidden = !goes || asks === "stop";
    progress.hidden = !(goes && live.total);
    if (live.total) progress.value = live.done / live.total;
    facts.replaceChildren(...factsOf(run, live, goes).map(([name, value]) => (
      el("div", {}, el("dt", {}, name), el("dd", {}, value)))));
    const nodes = Object.entries(live.nodes ?? {});
    nodesPlace.hidden = !nodes.length;
    rows.replaceChildren(...nodes.map(([name, node]) => el("tr", {},
      el("th", { scope: "row" }, name), el("td", {}, node.open ? node.purpose : "–"),
      ...[node.open, node.calls, node.calls_per_second, node.prompt_tokens, node.completion_tokens]
        .map((value) => el("td", {}, figure(value))))));
    markDrawing(goes ? live.nodes ?? {} : {});
    fault.hidden = !run.fault && !run.faults.length;
    fault.textContent = [run.fault, ...run.faults].filter(Boolean).join(" ");
  };
}

function phaseOf(run, live, goes) {
  const done = live.steps ? `${live.step} of ${counted(live.steps, "step")} done` : `${counted(run.done, "step")} done`;
  if (!goes || !live.phase) return live.reason ? `${done}: ${live.reason}` : done;
  return `${done}, ${live.phase}${live.total ? ` ${live.done}/${live.total}` : ""}`;
}

function factsOf(run, live, goes) {
  const values = run.validations.map(([, value]) => value).filter((value) => typeof value === "number");
  return [
    ["time left", goes && live.left !== null && live.left !== undefined ? lasting(live.left) : null],
    ["time taken", live.elapsed === undefined ? null : lasting(live.elapsed)],
    ["calls", live.calls === undefined ? null : figure(live.calls)],
    ["calls/s", goes && live.calls_per_second !== undefined ? figure(live.calls_per_second) : null],
    ["tokens given", live.prompt_tokens === undefined ? null : figure(live.prompt_tokens)],
    ["tokens drawn", live.completion_tokens === undefined ? null : figure(live.completion_tokens)],
    ["tokens/s", goes && live.tokens_per_second !== undefined ? figure(live.tokens_per_second) : null],
    ["from the cache", live.hits === undefined ? null : figure(live.hits)],
    ["money", live.money ? `${shown(live.money, live.money < 1 ? 4 : 2)} ${live.currency ?? ""}` : null],
    ["limits", limitsOf(live.limits)],
    ["last validation", values.length ? shown(values.at(-1)) : null],
    ["best", values.length ? shown(Math.max(...values)) : null],
  ].filter(([, value]) => value !== null);
}

/** How near each model is to its limits. */
function limitsOf(limits) {
  const said = Object.entries(limits ?? {}).map(([model, rate]) => {
    const near = Object.entries(rate.limits ?? {}).map(([what, most]) => `${figure(rate.used?.[what] ?? 0)}/${figure(most)} ${what}/min`);
    if (rate.concurrency) near.push(`${rate.open}/${rate.concurrency} open`);
    if (rate.waiting) near.push(`${rate.waiting} waiting`);
    return `${model}: ${near.join(", ")}`;
  });
  return said.length ? said.join("; ") : null;
}

/** A count or a rate in few digits. */
function figure(value) {
  if (typeof value !== "number") return "–";
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)}M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)}k`;
  return Number.isInteger(value) || value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(1);
}

/** Marks in the network's picture which nodes have calls open, and how many. */
function markDrawing(nodes) {
  for (const part of document.querySelectorAll(".network g.part")) {
    const name = part.querySelector("title")?.textContent.split(":")[0];
    // What is done for nodes that share a prompt stands under all their names.
    const open = Object.entries(nodes).reduce((sum, [names, node]) => (
      names.split(", ").includes(name) ? sum + (node.open ?? 0) : sum), 0);
    part.classList.toggle("busy", open > 0);
    let badge = part.querySelector(".open");
    if (!open) badge?.remove();
    if (!open) continue;
    if (!badge) {
      const box = part.querySelector("rect");
      const [x, y] = [Number(box.getAttribute("x")) + Number(box.getAttribute("width")), Number(box.getAttribute("y"))];
      badge = shape("g", { class: "open", transform: `translate(${x - 8} ${y + 2})` },
        shape("rect", { x: -13, y: -8, width: 26, height: 16, rx: 8 }),
        shape("text", { "text-anchor": "middle", y: 4 }));
      part.append(badge);
    }
    badge.querySelector("text").textContent = String(open);
  }
}
