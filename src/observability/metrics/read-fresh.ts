/** How long a result is reused, so that frequent scrapes don't load the database. */
const FRESH_MS = 10_000;

/** Returns a function that calls `read` at most every ten seconds, and otherwise returns its last result. */
export function readFresh<T>(read: () => Promise<T>): () => Promise<T> {
  let last: { readonly at: number; readonly value: Promise<T> } | null = null;
  return () => {
    if (last === null || Date.now() - last.at > FRESH_MS) last = { at: Date.now(), value: read() };
    return last.value;
  };
}
