import { z } from 'zod';
import { explainIssue } from '../lib/explain-issue.ts';
import { visiblePattern } from '../contracts/text.ts';

/** Attributes of an LLM event, by name (docs/spec.md#models-and-attributes). */
export type Attributes = Readonly<Record<string, string>>;

export const MAX_ATTRIBUTES = 10;
export const ATTRIBUTE_NAME = /^[a-z][a-z0-9_]{0,39}$/;
const MAX_LENGTH = 200;

const BY_PREFIX = 'attribute:';
/** The pattern of a `by` that names an attribute, without its start: `attribute:team`. */
export const BY_ATTRIBUTE = BY_PREFIX + ATTRIBUTE_NAME.source.slice(1);

/** Returns the attribute that a `by` names: `attribute:team` → `team`; null for any other text. */
export function attributeOf(by: string): string | null {
  const name = by.startsWith(BY_PREFIX) ? by.slice(BY_PREFIX.length) : '';
  return ATTRIBUTE_NAME.test(name) ? name : null;
}

const VALUE = visiblePattern(MAX_LENGTH);
const value = z.string().regex(new RegExp(VALUE), {
  error: `expected 1 to ${MAX_LENGTH} visible characters`,
});

/** Not a `z.record`, which would drop the name `__proto__` instead of rejecting it. */
export const attributesSchema = z
  .custom<Attributes>()
  .check((payload) => {
    const fail = (message: string, path: string[] = []) =>
      payload.issues.push({ code: 'custom', message, path, input: payload.value });
    const sent: unknown = payload.value;
    if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) {
      fail('expected an object');
      return;
    }
    const entries: [string, unknown][] = Object.entries(sent);
    if (entries.length > MAX_ATTRIBUTES) {
      fail(`expected at most ${MAX_ATTRIBUTES} attributes`);
      return;
    }
    for (const [name, text] of entries) {
      if (!ATTRIBUTE_NAME.test(name)) {
        fail(
          'expected a name of 1 to 40 lower-case letters, digits and underscores, starting with a letter',
          [name.slice(0, MAX_NAME_SHOWN)],
        );
        continue;
      }
      const { error } = value.safeParse(text, { error: explainIssue });
      const [issue] = error?.issues ?? [];
      if (issue) fail(issue.message, [name]);
    }
  })
  .meta({
    type: 'object',
    description:
      'Short texts that say what the request was for. Sums can be listed by each of them; they change no price.',
    propertyNames: { pattern: ATTRIBUTE_NAME.source },
    additionalProperties: { type: 'string', pattern: VALUE },
    maxProperties: MAX_ATTRIBUTES,
    example: { team: 'search', project: 'indexing' },
  });

/** Longer names are shortened in errors. */
const MAX_NAME_SHOWN = 100;

/** Returns the attributes sorted by name, so that equal ones have the same text; undefined if there are none. */
export function sortAttributes(sent: Attributes | undefined): Attributes | undefined {
  if (sent === undefined) return undefined;
  const entries = Object.entries(sent);
  if (entries.length === 0) return undefined;
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
