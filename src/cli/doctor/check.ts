import { explainError } from '../explain-error.ts';

/** One thing that the doctor has looked at. */
export interface Check {
  readonly name: string;
  /** warning: it will be a problem. unknown: it could not be looked at; the detail says why. */
  readonly state: 'ok' | 'warning' | 'problem' | 'unknown';
  readonly detail: string;
  /** What to do about it. */
  readonly advice: string | null;
}

export function ok(name: string, detail: string): Check {
  return { name, state: 'ok', detail, advice: null };
}

export function problem(name: string, detail: string, advice: string | null = null): Check {
  return { name, state: 'problem', detail, advice };
}

export function warning(name: string, detail: string, advice: string): Check {
  return { name, state: 'warning', detail, advice };
}

export function unknown(name: string, detail: string): Check {
  return { name, state: 'unknown', detail, advice: null };
}

export type Attempt<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly complaint: string };

/** A value, or in one line why there is none. */
export async function attempt<T>(work: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, complaint: explainError(error, undefined).replaceAll(/\s*\n\s*/g, ' ') };
  }
}

/** What goes wrong in a check is what it has found. */
export async function checkThat(
  name: string,
  look: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  const looked = await attempt(look);
  return looked.ok ? looked.value : [problem(name, looked.complaint)];
}
