import { z } from 'zod';

/** The characters allowed in texts from outside, for imports, usage, requests, routes and signals. */

/** The id of a tenant, deployment, subscription, plan or addon; the database's domain `external_id` has the same rule. */
export const externalId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
    error: 'expected an id: 1 to 64 letters, digits, dots, underscores or hyphens',
  })
  .meta({ example: 'acme' });

/**
 * Visible characters and the plain space, so that two ids that look the same are the same. Written
 * as ranges up to U+FFEF, which every reader of the OpenAPI document understands; `\p{…}` and
 * higher code points are not portable.
 */
const VISIBLE = String.raw` -~\u00a1-\u00ac\u00ae-\u034e\u0350-\u061b\u061d-\u115e\u1161-\u167f\u1681-\u17b3\u17b6-\u180a\u1810-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u2fff\u3001-\u3163\u3165-\ud7ff\uf900-\ufdff\ufe10-\ufefe\uff00-\uff9f\uffa1-\uffef`;

/** The pattern of a text of visible characters. */
export function visiblePattern(maxLength: number): string {
  return `^[${VISIBLE}]{1,${maxLength}}$`;
}

/** An id chosen by the sender's system: of an event, a record, a resource kind. */
export function visibleId(maxLength: number) {
  return z.string().regex(new RegExp(visiblePattern(maxLength)), {
    error: `expected an id: 1 to ${maxLength} visible characters`,
  });
}

/** For OpenAPI, whose readers mostly don't support `\p{Cc}`; JSON can't contain a lone surrogate. */
const NO_CONTROL = String.raw`[^\u0000-\u001f\u007f-\u009f]`;
const NOT_BLANK = String.raw`[^\u0000-\u001f\u007f-\u009f\s]`;

/**
 * Names and similar texts, stored as typed and shown by `visible`. They have no control characters
 * and no lone surrogates: PostgreSQL can't store those and would reject all events of the same
 * group.
 */
export function text(maxLength: number) {
  return z
    .string()
    .regex(new RegExp(`^[^\\p{Cc}\\p{Cs}]{1,${maxLength}}$`, 'u'), {
      error: `expected 1 to ${maxLength} characters, none of them a control character`,
    })
    .meta({ pattern: `^${NO_CONTROL}{1,${maxLength}}$` });
}

/** The same for typed text: trimmed, and not empty afterwards. */
export function trimmedText(maxLength: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(maxLength)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'expected no control characters')
    .meta({ pattern: `^${NO_CONTROL}*${NOT_BLANK}${NO_CONTROL}*$` });
}
