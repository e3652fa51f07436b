// What is shown on demand, from the compressed blocks of a page that stands by itself.

const unpacked = new Map();

/** The candidates of one choice: [text, origin, score, examples], the incumbent first. */
async function candidatesOf(prompt, number) {
  return (await block(prompt.block))[number];
}

/** An example in full. */
async function storyOf(one) {
  const [number, position] = one.block;
  return (await block(number))[position];
}

/** A block of the page, unpacked; the last few are kept. */
async function block(number) {
  if (!unpacked.has(number)) {
    const packed = atob(document.getElementById(`block-${number}`).textContent);
    const bytes = Uint8Array.from(packed, (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    unpacked.set(number, new Response(stream).json());
    if (unpacked.size > 12) unpacked.delete(unpacked.keys().next().value);
  }
  return unpacked.get(number);
}
