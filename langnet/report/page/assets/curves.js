// The curves of a run, and those of several runs over each other.

/** Draws the curves of a run; what comes back draws them again. */
function curves(place, run) {
  const refresh = () => drawCharts(place, chartsOf(run));
  refresh();
  return refresh;
}

function chartsOf(run) {
  const over = (name) => run.steps.map((step, n) => [step, run.figures[name]?.[n] ?? null]);
  const phases = Object.keys(run.calls);
  const all = run.steps.map((_, n) => phases.reduce((sum, phase) => sum + run.calls[phase][n], 0));
  let sum = 0;
  let spent = 0;
  const money = over("money");
  return [
    { title: "Metric", unit: run.metric === "metric" ? "" : run.metric, series: [
      { name: "validation", points: run.validations },
      { name: "batch", points: over("batch") },
    ] },
    { title: "Bound", unit: "log p(target | input), nats", series: [
      { name: "IWAE", points: over("iwae") },
      { name: "ELBO", points: over("elbo") },
    ] },
    { title: "Objective", unit: "of the prompts that were taken, summed", series: [
      { name: "score", points: over("score") },
    ] },
    { title: "Effective sample size", unit: "draws per example", series: [{ name: "ESS", points: over("ess") }] },
    { title: "Calls", unit: "per step", series: phases.map((phase) => ({
      name: phase, points: run.steps.map((step, n) => [step, run.calls[phase][n]]),
    })) },
    { title: "Calls", unit: "so far", series: phases.length ? [{
      name: "all", points: run.steps.map((step, n) => [step, (sum += all[n])]),
    }] : [] },
    { title: "Tokens", unit: "per step, its validation included", series: [
      { name: "given", points: over("prompt_tokens") },
      { name: "drawn", points: over("completion_tokens") },
    ] },
    { title: "Money", unit: "so far, in the currency of the prices", series: money.some(([, cost]) => cost > 0) ? [{
      // After a step whose price is unknown, so is the sum.
      name: "spent", points: money.map(([step, cost]) => [step, (spent = cost === null || spent === null ? null : spent + cost)]),
    }] : [] },
    { title: "Time", unit: "seconds per step", series: [{ name: "time", points: over("seconds") }] },
  ];
}

/** The curves of several runs, each in its own colour. */
function overlay(place, runs) {
  const lines = (pick) => runs.map((run) => ({ name: run.name, points: pick(run) }));
  const figure = (name) => (run) => run.steps.map((s, n) => [s, run.figures[name]?.[n] ?? null]);
  drawCharts(place, [
    { title: "Validation", unit: "metric", series: lines((run) => run.validations), holds: true },
    { title: "Batch", unit: "metric", series: lines(figure("batch")), holds: true },
    { title: "Objective", unit: "of the prompts that were taken, summed", series: lines(figure("score")), holds: true },
  ]);
}
