// Events of the server: what has changed since what this page was told.

/**
 * Follows an address as long as the page can be seen; browsers allow few connections at a time.
 * @param take is given what each event says
 */
function follow(address, take) {
  const said = document.getElementById("connection");
  let source = null;
  let last = "";
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(last ? `${address}?after=${encodeURIComponent(last)}` : address);
    source.addEventListener("open", () => { said.textContent = ""; });
    source.addEventListener("message", (event) => {
      last = event.lastEventId || last;
      take(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      said.textContent = source.readyState === EventSource.CLOSED
        ? "The viewer lets this page in no more: open the address that it printed."
        : "The viewer does not answer; trying again.";
    });
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else open();
  });
  addEventListener("pagehide", () => source?.close());
  open();
}

/** A run's own address: its name may hold slashes, which part folders. */
function addressOf(name) {
  return `/runs/${name.split("/").map(encodeURIComponent).join("/")}`;
}

/** A time in two units at most. */
function lasting(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole / 60) % 60).padStart(2, "0")} min`;
}

/** A word for how a run stands, with its colour. */
function standingOf(status) {
  return el("span", { class: `status ${status}` }, status || "unknown");
}
