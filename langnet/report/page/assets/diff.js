// Differences between two texts, word by word (longest common subsequence).

const MOST_CELLS = 4e6;

/** Pairs [-1 | 0 | 1, text]: taken away, the same, put in. */
function difference(before, after) {
  const a = before.match(/\s+|[^\s]+/g) ?? [];
  const b = after.match(/\s+|[^\s]+/g) ?? [];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start
    && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const parts = [];
  put(parts, 0, a.slice(0, start));
  between(parts, a.slice(start, a.length - end), b.slice(start, b.length - end));
  put(parts, 0, a.slice(a.length - end));
  return joined(parts);
}

/** Changes with nothing but white space between them are one change. */
function joined(parts) {
  const found = [];
  let gone = "";
  let come = "";
  const flush = () => {
    if (gone) found.push([-1, gone]);
    if (come) found.push([1, come]);
    [gone, come] = ["", ""];
  };
  parts.forEach(([kind, text], n) => {
    const inside = kind === 0 && !text.trim() && n > 0 && n < parts.length - 1;
    if (kind === 0 && !inside) {
      flush();
      found.push([0, text]);
      return;
    }
    if (kind <= 0) gone += text;
    if (kind >= 0) come += text;
  });
  flush();
  return found;
}

function between(parts, a, b) {
  const width = b.length + 1;
  if (!a.length || !b.length || (a.length + 1) * width > MOST_CELLS) {
    put(parts, -1, a);
    put(parts, 1, b);
    return;
  }
  // White space alone holds nothing together: it counts little.
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = Math.max(
        a[i] === b[j] ? (a[i].trim() ? 4 : 1) + lengths[(i + 1) * width + j + 1] : 0,
        lengths[(i + 1) * width + j],
        lengths[i * width + j + 1],
      );
    }
  }
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const here = lengths[i * width + j];
    const same = a[i] === b[j]
      && here === (a[i].trim() ? 4 : 1) + lengths[(i + 1) * width + j + 1];
    if (same) {
      put(parts, 0, [a[i]]);
      i += 1;
      j += 1;
    } else if (here === lengths[(i + 1) * width + j]) {
      put(parts, -1, [a[i]]);
      i += 1;
    } else {
      put(parts, 1, [b[j]]);
      j += 1;
    }
  }
  put(parts, -1, a.slice(i));
  put(parts, 1, b.slice(j));
}

function put(parts, kind, words) {
  if (!words.length) return;
  const last = parts.at(-1);
  if (last && last[0] === kind) last[1] += words.join("");
  else parts.push([kind, words.join("")]);
}

/** A text in which what differs from another is marked. */
function marked(before, after) {
  const parts = difference(before, after).map(([kind, text]) => (
    kind === 0 ? text : el(kind < 0 ? "del" : "ins", {}, text)
  ));
  return el("p", { class: "text" }, parts);
}
