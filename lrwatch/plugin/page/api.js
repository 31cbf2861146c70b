// The questions that the page asks; each goes to the server that the page came from.

function address(route, query) {
  const url = new URL(route, import.meta.url);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) url.searchParams.set(name, String(value));
  }
  return url;
}

async function answer(route, query, signal) {
  const reply = await fetch(address(route, query), { signal });
  if (reply.ok) return reply;
  const told = await reply.json().catch(() => ({}));
  throw Object.assign(new Error(told.error ?? `the server answered ${reply.status}`), { status: reply.status });
}

export async function askRuns(since, epoch) {
  return (await answer("runs", { since, epoch })).json();
}

export async function askRun(id, rev, signal) {
  return (await answer("run", { id, rev }, signal)).json();
}

// The numbers to draw between two steps; steps are whole.
export async function askWindow(id, from, to, n, signal) {
  const query = { id, from: bounded(Math.floor(from)), to: bounded(Math.ceil(to)), n: Math.ceil(n) };
  return unpacked(await (await answer("window", query, signal)).arrayBuffer());
}

export async function askAround(id, step, n, signal) {
  return unpacked(await (await answer("around", { id, step: bounded(step), n }, signal)).arrayBuffer());
}

function bounded(step) {
  const limit = Number.MAX_SAFE_INTEGER;
  return Number.isFinite(step) ? Math.min(Math.max(step, -limit), limit) : undefined;
}

// A frame: lengths, a header in JSON, then arrays of doubles or whole numbers, each at 8 bytes.
function unpacked(buffer) {
  const view = new DataView(buffer);
  const length = view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  let at = 8 + length;
  const arrays = {};
  for (const [name, , n] of header.arrays) {
    arrays[name] = Array.from(new Float64Array(buffer, at, n), (x) => (Number.isFinite(x) ? x : null));
    at += 8 * n;
  }
  return { header, arrays };
}
