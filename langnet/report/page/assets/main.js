// Draws a run when it is opened, and no sooner.

const RUNS = JSON.parse(document.getElementById("data").textContent);
const drawn = new Set();

function drawRun(number) {
  if (drawn.has(number)) return;
  drawn.add(number);
  drawParts(document.getElementById(`run-${number}`), RUNS[number]);
}

function openRun(number) {
  document.querySelectorAll("article.run").forEach((article, n) => { article.hidden = n !== number; });
  const pick = document.getElementById("run");
  if (pick) pick.value = String(number);
  drawRun(number);
}

if (RUNS.length > 1) {
  overlay(document.querySelector('[data-part="overlay"]'), RUNS);
  document.getElementById("run").addEventListener("change", (event) => openRun(Number(event.target.value)));
  for (const button of document.querySelectorAll("[data-open]")) {
    button.addEventListener("click", () => {
      openRun(Number(button.dataset.open));
      document.getElementById(`run-${button.dataset.open}`).scrollIntoView();
    });
  }
}
openRun(0);
document.documentElement.dataset.ready = "yes";
