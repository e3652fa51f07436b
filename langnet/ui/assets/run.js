// The page of a run: the report's parts, what the fit does now, and what people say.

const article = document.getElementById("run-0");
const live = (name) => article.querySelector(`[data-live="${name}"]`);
const extras = {
  prompt: (prompt) => promptControls(RUN, prompt),
  candidate: (prompt, choice, number, text) => candidateControls(RUN, prompt, choice, number, text),
  text: (one, node, texts) => ratingControls(RUN, one, node, texts),
};
let refreshers = null;
let isDue = false;
let outlines = 0;
const outline = new Map();

function draw() {
  isDue = false;
  if (!refreshers) {
    refreshers = [nowPanel(live("now"), live("nodes"), RUN), steering(live("steer"), RUN), saidList(live("said"), RUN)];
    live("steer").append(reviewing(RUN));
    refreshers.forEach((refresh) => refresh());
    refreshers.push(drawParts(article, RUN, extras), refreshKept);
    document.documentElement.dataset.ready = "yes";
    return;
  }
  refreshers.forEach((refresh) => refresh());
}

/** Puts what the server says of the run as a whole in the place of what it said before. */
async function refreshOutline() {
  const response = await fetch(BASE, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const name of ["summary", "credit", "settings"]) {
    const now = page.getElementById(`${name}-0`);
    const old = document.getElementById(`${name}-0`);
    if (!now || outline.get(name) === now.outerHTML) continue;
    outline.set(name, now.outerHTML);
    if (old) old.replaceWith(document.adoptNode(now));
    else {
      article.append(document.adoptNode(now));
      article.querySelector("nav").replaceWith(document.adoptNode(page.querySelector("nav")));
    }
  }
}

for (const name of ["summary", "credit", "settings"]) {
  const there = document.getElementById(`${name}-0`);
  if (there) outline.set(name, there.outerHTML);
}
let begun = false;
follow(`${BASE}/events`, (piece) => {
  if (piece.part === "begin") {
    // The run was begun anew: so is its page.
    if (begun) location.reload();
    begun = true;
  }
  takePiece(RUN, piece);
  if (piece.part === "outline" && (outlines += 1) > 1) refreshOutline();
  if (!isDue) {
    isDue = true;
    setTimeout(draw, refreshers ? 200 : 60);
  }
});
