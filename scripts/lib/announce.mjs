/** Prints one line of setup output. */
export function say(text) {
  process.stdout.write(`[setup] ${text}\n`);
}

function elapsed(since) {
  const seconds = (Date.now() - since) / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** Prints what is being done, then how long it took. */
export async function announced(what, work) {
  const start = Date.now();
  say(`${what} …`);
  const result = await work();
  say(`${what}: done in ${elapsed(start)}`);
  return result;
}

/** Prints regularly that a long step is still running. */
export async function withHeartbeat(what, everyMs, work) {
  const start = Date.now();
  const beat = setInterval(() => say(`${what} … ${elapsed(start)}`), everyMs);
  try {
    return await work();
  } finally {
    clearInterval(beat);
  }
}
