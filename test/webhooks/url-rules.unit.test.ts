import { Resolver } from 'node:dns/promises';
import { describe, expect, test } from 'vitest';
import { allowsPublicAnd } from '../../src/webhooks/addresses.ts';
import { guardedLookup, resolveWith } from '../../src/webhooks/guarded-lookup.ts';
import { checkWebhookUrl } from '../../src/webhooks/url-rules.ts';

const isPublic = allowsPublicAnd([]);
const whyNot = (text: string, allows = isPublic) => checkWebhookUrl(text, allows).reason;

describe('addresses', () => {
  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
  ])('%s is public', (address) => expect(isPublic(address)).toBe(true));

  test.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.9.9.9', '169.254.169.254'],
    ...['172.16.0.1', '172.31.255.255', '192.0.0.1', '192.168.1.1', '198.18.0.1', '224.0.0.1'],
    ...['255.255.255.255', '::', '::1', 'fe80::1', 'fd00::1', 'ff02::1', '2001:db8::1'],
    // IPv4 in IPv6: mapped, by NAT64, 6to4, Teredo.
    ...['::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '64:ff9b::7f00:1', '2002:7f00:1::', '2001::1'],
    ...['', 'localhost'],
  ])('%s is not public', (address) => expect(isPublic(address)).toBe(false));

  test('allowed networks are accepted, and nothing outside them', () => {
    const allows = allowsPublicAnd(['10.20.0.0/16', 'fd00:1::/32']);
    expect(['10.20.0.1', '::ffff:10.20.0.1', 'fd00:1::1', '8.8.8.8'].map(allows)).toEqual([
      ...[true, true, true, true],
    ]);
    expect(['10.21.0.1', 'fd00:2::1', '127.0.0.1'].map(allows)).toEqual([false, false, false]);
  });

  test.each(['10.0.0.0', '10.0.0.0/33', 'localhost/8', '10.0.0/8', ''])(
    'rejects %j as a network',
    (text) => expect(() => allowsPublicAnd([text])).toThrow('is not a network'),
  );
});

describe('a URL', () => {
  test.each([
    'https://billing.example.com/hooks?source=arcadia',
    'https://billing.example.com:8443/',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
  ])('may be %s', (url) => expect(checkWebhookUrl(url, isPublic)).toEqual({ url, reason: null }));

  test.each([
    ['HTTPS://Billing.Example.COM/Hooks', 'https://billing.example.com/Hooks'],
    ['https://billing.example.com', 'https://billing.example.com/'],
    ['https://billing.example.com./hooks', 'https://billing.example.com/hooks'],
    ['https://billing.example.com.:8443/', 'https://billing.example.com:8443/'],
    ['  https://billing.example.com/a b ', 'https://billing.example.com/a%20b'],
    ['https://bücher.example/ä', 'https://xn--bcher-kva.example/%C3%A4'],
  ])('is stored as the parser writes it: %s', (text, url) =>
    expect(checkWebhookUrl(text, isPublic)).toEqual({ url, reason: null }),
  );

  test.each([
    ['NUL', '\u0000'],
    ['a newline', '\n'],
    ['a tab', '\t'],
    ['ESC', '\u001b'],
    ['DEL', '\u007f'],
    ['CSI', '\u009b'],
    ['a line separator', '\u2028'],
    ['a bidirectional override', '\u202e'],
    ['a zero-width space', '\u200b'],
    ['half of a surrogate pair', '\ud800'],
  ])('may not contain %s anywhere', (_name, character) => {
    for (const url of [
      `https://billing.example.com/${character}`,
      `https://billing${character}.example.com/`,
      `https://billing.example.com/?q=${character}x`,
      `ht${character}tps://billing.example.com/`,
      `${character}https://billing.example.com/`,
    ]) {
      expect(whyNot(url)).toBe('it has a control character in it');
    }
  });

  test.each([
    ['billing.example.com', 'not a URL'],
    ['http://billing.example.com/', 'https'],
    ['ftp://billing.example.com/', 'https'],
    ['https://me@billing.example.com/', 'a user'],
    ['https://:secret@billing.example.com/', 'a user'],
    ['https://billing.example.com/#part', 'a fragment'],
    [`https://billing.example.com/${'x'.repeat(2000)}`, 'longer than'],
    ['https://127.0.0.1/', '127.0.0.1 is not a public address'],
    ['http://127.0.0.1/', '127.0.0.1 is not a public address'],
    // The same address, disguised.
    ['https://2130706433/', '127.0.0.1 is not a public address'],
    ['https://0x7f.1/', '127.0.0.1 is not a public address'],
    ['https://[::ffff:127.0.0.1]/', 'is not a public address'],
    ['https://169.254.169.254/latest/meta-data', 'is not a public address'],
    ['https://localhost/', 'localhost is not a public address'],
    ['https://api.localhost/', 'api.localhost is not a public address'],
    // A name with a trailing dot is the same name.
    ['https://localhost./', 'localhost is not a public address'],
    ['https://127.0.0.1./', '127.0.0.1 is not a public address'],
    ['https://billing.example.com../', 'an empty part'],
    ['https://billing..example.com/', 'an empty part'],
  ])('may not be %s', (url, reason) => expect(whyNot(url)).toContain(reason));

  test('may be plain http only to this machine, if that is allowed', () => {
    const allows = allowsPublicAnd(['127.0.0.0/8', '10.0.0.0/8', '::1/128']);
    for (const host of ['127.0.0.1:8000', 'localhost:8000', '[::1]:8000']) {
      expect(whyNot(`http://${host}/`, allows)).toBeNull();
    }
    expect(whyNot('http://10.0.0.1/', allows)).toContain('https');
    expect(whyNot('https://10.0.0.1/', allows)).toBeNull();
  });
});

describe('a name, at connection time', () => {
  const resolve = (allows: (address: string) => boolean, all: boolean) =>
    new Promise((done, fail) => {
      guardedLookup(allows, resolveWith(new Resolver()))(
        'localhost',
        { all },
        (error, addresses) => {
          if (error) fail(error);
          else done(addresses);
        },
      );
    });

  test('is refused if it resolves to the internal network', async () => {
    await expect(resolve(isPublic, true)).rejects.toThrow('not a public address');
    // One internal address is enough.
    await expect(resolve((address) => address === 'none', true)).rejects.toThrow('localhost');
  });

  test('otherwise resolves to its addresses, with both lookup signatures', async () => {
    expect(await resolve(() => true, true)).toContainEqual(
      expect.objectContaining({ address: expect.stringMatching(/^127\.|^::1$/) as string }),
    );
    expect(await resolve(() => true, false)).toMatch(/^127\.|^::1$/);
  });
});
