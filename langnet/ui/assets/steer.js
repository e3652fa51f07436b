// What a person may say: feedback, ratings, prompts, and whether the fit is to go on.

const NAME = "langnet.by";

function remembered() {
  try { return localStorage.getItem(NAME) ?? ""; } catch { return ""; }
}

const who = el("input", { type: "text", autocomplete: "off", maxlength: 60, size: 14, value: remembered() });
who.addEventListener("change", () => {
  try { localStorage.setItem(NAME, who.value.trim()); } catch { /* kept for this page alone */ }
});

/** Sends an entry; says in an element what became of it. */
async function say(entry, status) {
  const by = who.value.trim();
  status.textContent = "sending";
  try {
    const response = await fetch(`${BASE}/guidance`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(by ? { ...entry, by } : entry),
    });
    const data = await response.json();
    status.textContent = response.ok ? "noted" : data.error;
    return response.ok;
  } catch {
    status.textContent = "The viewer does not answer, and nothing was noted.";
    return false;
  }
}

/** The form for feedback and for more proposals. */
function steering(place, run) {
  const text = el("textarea", { rows: 3, maxlength: 20000, placeholder: "What is good or bad about the answers, and what should change?" });
  const about = el("select", { "aria-label": "prompt that it is about" });
  const count = el("input", { type: "number", min: 1, max: 64, value: 4 });
  const status = el("span", { class: "soft", role: "status" });
  const send = async () => {
    if (!text.value.trim()) {
      text.focus();
      return;
    }
    const entry = { kind: "feedback", text: text.value };
    if (about.value) entry.prompt = about.value;
    if (await say(entry, status)) text.value = "";
  };
  const more = () => say({ kind: "proposals", count: Number(count.value), ...(about.value ? { prompt: about.value } : {}) }, status);
  place.append(
    el("label", { class: "block" }, "Feedback", text),
    el("div", { class: "tools" },
      el("label", {}, "on", about),
      el("button", { type: "button", class: "main", onclick: send }, "Send feedback"),
      el("span", { class: "grow" }),
      el("label", {}, "proposals", count),
      el("button", { type: "button", onclick: more }, "Ask for more"),
      el("label", {}, "your name", who)),
    status,
  );
  return () => {
    const names = run.prompts.filter((prompt) => prompt.learns).map((prompt) => prompt.name);
    if (about.options.length === names.length + 1) return;
    about.replaceChildren(el("option", { value: "" }, "every prompt"),
      ...names.map((name) => el("option", { value: name }, name)));
  };
}

const refreshing = new Set();

/** Keeps an element up to date as long as it is in the page. */
function upToDate(element, refresh) {
  refreshing.add([element, refresh]);
  refresh();
  return element;
}

function refreshKept() {
  for (const pair of refreshing) {
    if (pair[0].isConnected) pair[1]();
    else if (pair[0].dataset.shown) refreshing.delete(pair);
    if (pair[0].isConnected) pair[0].dataset.shown = "yes";
  }
}

/** The prompt as it is now, to be edited, pinned or banned. */
function promptControls(run, prompt) {
  if (!prompt.learns) return null;
  const title = el("h4");
  const text = el("p", { class: "text" });
  const status = el("span", { class: "soft", role: "status" });
  const area = el("textarea", { rows: 8, maxlength: 20000, "aria-label": `another text for ${prompt.name}` });
  const send = (kind) => async () => {
    if (await say({ kind, prompt: prompt.name, text: area.value }, status)) editor.hidden = true;
  };
  const editor = el("div", { hidden: true, class: "editor" }, area, el("div", { class: "tools" },
    el("button", { type: "button", class: "main", onclick: send("candidate") }, "Try it as a candidate"),
    el("button", { type: "button", onclick: send("pin") }, "Pin it"),
    el("button", { type: "button", onclick: () => { editor.hidden = true; edit.focus(); } }, "Cancel")));
  const present = () => run.present[prompt.name] ?? prompt.initial;
  const edit = el("button", { type: "button", onclick: () => {
    if (editor.hidden && !area.value.trim()) area.value = present();
    editor.hidden = false;
    area.focus();
  } }, "Edit");
  const pin = el("button", { type: "button", onclick: () => say(holdsFor(run, prompt.name).pinned === null
    ? { kind: "pin", prompt: prompt.name, text: present() } : { kind: "unpin", prompt: prompt.name }, status) });
  const ban = el("button", { type: "button", onclick: () => say({ kind: "ban", prompt: prompt.name, text: present() }, status) }, "Ban");
  return upToDate(el("div", { class: "present" }, title, text,
    el("div", { class: "tools" }, edit, pin, ban, status), editor), () => {
    const holds = holdsFor(run, prompt.name);
    title.textContent = `Now${holds.pinned === null ? "" : holds.waits ? ", to be pinned" : ", pinned"}`;
    if (text.textContent !== present()) text.textContent = present();
    pin.textContent = holds.pinned === null ? "Pin" : "Unpin";
    ban.hidden = holds.pinned !== null || holds.banned.has(canonical(present()));
  });
}

/** A candidate, to be tried again, pinned or banned. */
function candidateControls(run, prompt, choice, number, text) {
  if (!prompt.learns) return null;
  const status = el("span", { class: "soft", role: "status" });
  const send = (kind) => () => say({ kind, prompt: prompt.name, text }, status);
  const again = el("button", { type: "button", onclick: send("candidate") }, "Try again");
  const pin = el("button", { type: "button", onclick: send("pin") }, "Pin");
  const ban = el("button", { type: "button", onclick: () => send(isBanned() ? "unban" : "ban")() });
  const isBanned = () => holdsFor(run, prompt.name).banned.has(canonical(text));
  return upToDate(el("div", { class: "tools small" }, again, pin, ban, status), () => {
    const banned = isBanned();
    ban.textContent = banned ? "Allow again" : "Ban";
    again.hidden = banned;
    pin.hidden = banned;
  });
}

/** Nodes whose texts can be rated here: fitted ones that say one text at a time. */
function rateable(run) {
  return run.nodes.filter((one) => one.trainable && !one.plural);
}

/** What is said of a text of a node: the entry, without the word. */
function ratingEntry(run, one, node, texts) {
  const parents = run.nodes.find((known) => known.name === node).parents;
  const above = Object.fromEntries(parents.filter((name) => name in texts).map((name) => [name, texts[name]]));
  return { kind: "rating", example: one.id, node, output: texts[node], texts: above };
}

/** Good or bad, with a remark, beneath a node's text. */
function ratingControls(run, one, node, texts) {
  if (!rateable(run).some((known) => known.name === node) || !texts[node]) return null;
  const status = el("span", { class: "soft", role: "status" });
  const remark = el("input", { type: "text", maxlength: 2000, placeholder: "why?", "aria-label": `remark on ${node}` });
  const send = (good) => async () => {
    const entry = { ...ratingEntry(run, one, node, texts), good, text: remark.value };
    if (await say(entry, status)) remark.value = "";
  };
  const good = el("button", { type: "button", "aria-label": `${node} is good`, onclick: send(true) }, "Good");
  const bad = el("button", { type: "button", "aria-label": `${node} is bad`, onclick: send(false) }, "Bad");
  return upToDate(el("div", { class: "tools small rating" }, good, bad, remark, status), () => {
    const rated = ratingOf(run, one.id, node, texts[node]);
    good.setAttribute("aria-pressed", String(rated?.good === true));
    bad.setAttribute("aria-pressed", String(rated?.good === false));
  });
}
