// The curves of a run, and those of several runs over each other.

function curves(place, run) {
  const over = (name) => run.steps.map((step, n) => [step, run.figures[name]?.[n] ?? null]);
  const phases = Object.keys(run.calls);
  const all = run.steps.map((_, n) => phases.reduce((sum, phase) => sum + run.calls[phase][n], 0));
  let sum = 0;
  const charts = [
    chart("Metric", run.metric === "metric" ? "" : run.metric, [
      { name: "validation", points: run.validations },
      { name: "batch", points: over("batch") },
    ]),
    chart("Bound", "log p(target | input), nats", [
      { name: "IWAE", points: over("iwae") },
      { name: "ELBO", points: over("elbo") },
    ]),
    chart("Objective", "of the prompts that were taken, summed", [
      { name: "score", points: over("score") },
    ]),
    chart("Effective sample size", "draws per example", [{ name: "ESS", points: over("ess") }]),
    chart("Calls", "per step", phases.map((phase) => ({
      name: phase, points: run.steps.map((step, n) => [step, run.calls[phase][n]]),
    }))),
    phases.length ? chart("Calls", "so far", [{
      name: "all", points: run.steps.map((step, n) => [step, (sum += all[n])]),
    }]) : null,
    chart("Tokens", "per step, its validation included", [
      { name: "given", points: over("prompt_tokens") },
      { name: "drawn", points: over("completion_tokens") },
    ]),
    chart("Time", "seconds per step", [{ name: "time", points: over("seconds") }]),
  ];
  const found = charts.filter(Boolean);
  place.append(...(found.length ? found : [el("p", { class: "hint" }, "No step is done yet.")]));
}

function overlay(place, runs) {
  const lines = (pick) => runs.map((run) => ({ name: run.name, points: pick(run) }));
  const figure = (name) => (run) => run.steps.map((s, n) => [s, run.figures[name]?.[n] ?? null]);
  place.append(...[
    chart("Validation", "metric", lines((run) => run.validations), true),
    chart("Batch", "metric", lines(figure("batch")), true),
    chart("Objective", "of the prompts that were taken, summed", lines(figure("score")), true),
  ].filter(Boolean));
}
