// All that a page shows of one run.

/**
 * Draws the parts of a run into its article; what comes back draws what has come since.
 * @param extras elements that a page adds; see `prompts` and `examples`
 */
function drawParts(article, run, extras = {}) {
  const part = (name) => article.querySelector(`[data-part="${name}"]`);
  let shownExamples = null;
  const refreshers = [
    curves(part("curves"), run),
    prompts(part("prompts"), run, extras),
    errors(part("errors"), run, (cell) => shownExamples.look(cell)),
  ];
  shownExamples = examples(part("examples"), run, extras);
  return () => [...refreshers, shownExamples.refresh].forEach((refresh) => refresh());
}
