import type { Form } from './page-definition.ts';
import { toForm } from './sent-form.ts';

/**
 * A form that arrives after its session has ended isn't lost: the sign-in page carries what was typed, in a hidden
 * field. Nothing is stored here, and nothing is sent until the visitor has signed in, seen it and clicked.
 */

/** The sign-in form encodes it once more, at up to three bytes for one, and has to stay below its own limit. */
const MAX_KEPT_BYTES = 40 * 1024;

/** Returns the fields of a form as one text; null if they are too large to be kept. */
export function keepForm({ fields }: Form): string | null {
  const kept = new URLSearchParams(
    fields.map(([name, value]): [string, string] => [name, value]),
  ).toString();
  return kept.length > MAX_KEPT_BYTES ? null : kept;
}

/** Returns the form that was kept as a text. */
export function keptForm(kept: string): Form {
  return toForm(new URLSearchParams(kept));
}
