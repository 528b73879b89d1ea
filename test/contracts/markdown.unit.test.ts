import { describe, expect, test } from 'vitest';
import { code, list, richText, toDetails, toSummary } from '../../src/contracts/markdown.ts';

describe('text from outside in Markdown', () => {
  test.each([
    ['acme-1.eu_2', 'acme-1.eu_2'],
    ['[click](https://evil.example)', String.raw`\[click\](https://evil.example)`],
    ['![x](https://evil.example/p.png)', String.raw`!\[x\](https://evil.example/p.png)`],
    ['<https://evil.example>', String.raw`\<https://evil.example>`],
    ['<img src=x onerror=y>', String.raw`\<img src=x onerror=y>`],
    ['**bold** _it_ a_b `c` ~~d~~', String.raw`\*\*bold\*\* \_it\_ a_b \`c\` \~\~d\~\~`],
    ['&lt;b&#62; R&D', String.raw`\&lt;b\&#62; R&D`],
    ['# heading', String.raw`\# heading`],
    ['    code', ' code'],
    ['127.0.0.1', '127.0.0.1'],
    ['1. one', String.raw`1\. one`],
    ['- item', String.raw`\- item`],
    ['> quote', String.raw`\> quote`],
    ['=====', String.raw`\=====`],
    ['a\n\n# b', String.raw`a\\u000a\\u000a# b`],
    ['\u202eabc\u0000', String.raw`\\u202eabc\\u0000`],
    ['\\*', String.raw`\\\*`],
    ['{workflowId} {"a":1}', String.raw`{workflowId\} {"a":1}`],
  ])('%j is shown as it is', (text, source) => {
    expect(richText`${text}`.source).toBe(source);
  });

  test('a number or sign within a line is not escaped', () => {
    expect(richText`to ${'1. a'}, ${'- b'}`.source).toBe('to 1. a, - b');
    expect(richText`a\n${'# b'}`.source).toBe('a\n\\# b');
  });

  test.each([
    ['plain', '`plain`'],
    ['a`b', '``a`b``'],
    ['`', '`` ` ``'],
    ['``` x', '```` ``` x ````'],
    ['', '`  `'],
    ['a\n`b', '``a\\u000a`b``'],
  ])('a code span holds %j', (text, source) => {
    expect(code(text).source).toBe(source);
  });

  test('Markdown values are not escaped, also in details and lists', () => {
    const items = ['*a*', 'b'].map((text) => richText`**${text}**`);
    expect(toDetails([richText`See ${code('x')}:`, list(items)])).toBe(
      ['See `x`:', '- **\\*a\\***\n- **b**', '\u00a0'].join('\n\n'),
    );
  });

  test('a summary that is too long is cut, but never within an escape', () => {
    expect(toSummary(richText`Invoice of ${'acme'}`)).toBe('Invoice of acme');
    const long = toSummary(richText`${'*'.repeat(200)}`);
    expect(long.length).toBeLessThanOrEqual(130);
    expect(long).toMatch(/^(\\\*)+…$/);
  });
});
