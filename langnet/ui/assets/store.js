// One run as the report's scripts want it, put together from what the server tells.

const BASE = location.pathname;

const RUN = {
  name: "", metric: "metric", target: "", output: "", nodes: [],
  steps: [], figures: {}, calls: {}, validations: [], prompts: [], failures: [],
  known: [], examples: [], answers: [],
  done: 0, present: {}, entries: [], faults: [], status: "", live: null, fault: "",
};
const answerNumbers = new Map();

/** Takes what the server told into the run. */
function takePiece(run, piece) {
  const takers = {
    head: takeHead, examples: takeExamples, step: takeStep, seen: takeSeen, state: takeState,
    said: () => { [run.entries, run.faults] = [piece.entries, piece.faults]; },
    live: () => { [run.status, run.live] = [piece.status, piece.live]; },
    outline: () => { run.metric = piece.metric; },
    fault: () => { run.fault = piece.message; },
  };
  takers[piece.part]?.(run, piece);
}

function takeHead(run, piece) {
  [run.target, run.output, run.nodes] = [piece.target, piece.output, piece.nodes];
  const learning = new Set(piece.nodes.filter((one) => one.trainable).map((one) => one.prompt));
  run.prompts = piece.prompts.map(([name, initial]) => (
    { name, initial, fitted: initial, choices: [], learns: learning.has(name) }));
  run.present = Object.fromEntries(piece.prompts);
}

function takeExamples(run, piece) {
  run.known = piece.examples.map((one) => ({ ...one, seen: [] }));
  run.examples = [];
}

function takeStep(run, piece) {
  let at = run.steps.indexOf(piece.step);
  if (at < 0) {
    at = run.steps.findIndex((step) => step > piece.step);
    if (at < 0) at = run.steps.length;
    run.steps.splice(at, 0, piece.step);
    for (const values of Object.values(run.figures)) values.splice(at, 0, null);
    for (const values of Object.values(run.calls)) values.splice(at, 0, 0);
  }
  for (const [name, value] of Object.entries(piece.figures)) {
    run.figures[name] ??= run.steps.map(() => null);
    run.figures[name][at] = value;
  }
  for (const [name, value] of Object.entries(piece.calls)) {
    run.calls[name] ??= run.steps.map(() => 0);
    run.calls[name][at] = value;
  }
  for (const [name, choice] of piece.choices) {
    const { choices } = run.prompts.find((prompt) => prompt.name === name);
    const old = choices.findIndex((one) => one.step === piece.step);
    if (old < 0) choices.push(choice);
    else choices[old] = choice;
  }
  run.failures = run.failures.filter(([step]) => step !== piece.step)
    .concat(piece.failures.map((failure) => [piece.step, ...failure]));
}

function takeSeen(run, piece) {
  for (const [at, value, answer] of piece.rows) {
    if (answer !== null && !answerNumbers.has(answer)) {
      answerNumbers.set(answer, run.answers.length);
      run.answers.push(answer);
    }
    const { seen } = run.known[at];
    const glance = [piece.step, piece.kind, value, answer === null ? null : answerNumbers.get(answer)];
    const after = ([step, kind]) => step > piece.step || (step === piece.step && kind >= piece.kind);
    const place = seen.findIndex(after);
    const same = place >= 0 && seen[place][0] === piece.step && seen[place][1] === piece.kind;
    if (place < 0) seen.push(glance);
    else seen.splice(place, same ? 1 : 0, glance);
  }
  run.examples = run.known.filter((one) => one.seen.length);
}

function takeState(run, piece) {
  [run.done, run.validations, run.present] = [piece.step, piece.validations, piece.present];
  for (const prompt of run.prompts) prompt.fitted = piece.best[prompt.name] ?? prompt.initial;
}

/** The candidates of one choice: [text, origin, score, examples], the incumbent first. */
async function candidatesOf(prompt, number) {
  return (await asked(`${BASE}/steps/${prompt.choices[number].step}`))[prompt.name];
}

/** An example in full. */
async function storyOf(one) {
  return asked(`${BASE}/example?id=${encodeURIComponent(one.id)}`);
}

async function asked(address) {
  const response = await fetch(address, { headers: { Accept: "application/json" } });
  const data = await response.json();
  if (!response.ok) {
    document.getElementById("connection").textContent = data.error;
    throw new Error(data.error);
  }
  return data;
}
