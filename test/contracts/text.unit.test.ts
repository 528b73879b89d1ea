import { describe, expect, test } from 'vitest';
import { forceReRunPayload } from '../../src/contracts/request-payload.ts';
import { text, trimmedText, visibleId } from '../../src/contracts/text.ts';

const takes = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown) =>
  schema.safeParse(value).success;

describe('an id', () => {
  test('may contain exactly the visible characters up to U+FFEF and the plain space', () => {
    // Unlike all of \p{Cf}: some signs of the Arabic scripts are "format characters", and drawn.
    const hidden = /[\p{Cc}\p{Cs}\p{Co}\p{Z}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/u;
    const wrong: string[] = [];
    for (let code = 0; code <= 0xffff; code += 1) {
      const character = String.fromCharCode(code);
      // Unassigned characters are accepted: which they are depends on Unicode's version.
      if (/\p{Cn}/u.test(character) && !/\p{Default_Ignorable_Code_Point}/u.test(character))
        continue;
      const isVisible = code <= 0xffef && (character === ' ' || !hidden.test(character));
      if (takes(visibleId(1), character) !== isVisible) wrong.push(code.toString(16));
    }
    expect(wrong).toEqual([]);
  });

  test.each(['req_8f14e45f', 'Zähler 7/b', 'счёт-1', 'מונה', '請求1'])('accepts %j', (id) => {
    expect(takes(visibleId(200), id)).toBe(true);
  });

  test.each(['', 'x'.repeat(201), 'a\u200bb', '\u202eabc', 'a\u00adb', 'a\u{e0041}b', '\ufeffa'])(
    'is not %j',
    (id) => expect(takes(visibleId(200), id)).toBe(false),
  );

  test('names the tenants of a forced rerun', () => {
    const payload = (tenantIds: string[]) => ({ tenantIds, reason: 'late usage' });
    expect(takes(forceReRunPayload, payload(['acme']))).toBe(true);
    expect(takes(forceReRunPayload, payload(['acme\u200b']))).toBe(false);
  });
});

test('a name may contain anything but control characters and lone surrogates', () => {
  for (const schema of [text(20), trimmedText(20)]) {
    expect(schema.parse('\u202eAcme\u200b')).toBe('\u202eAcme\u200b');
    for (const bad of ['a\0b', 'a\nb', 'a\u001b[31mb', 'a\u009bb', 'a\ud800b']) {
      expect(takes(schema, bad), JSON.stringify(bad)).toBe(false);
    }
  }
});
