import { describe, expect, test } from 'vitest';
import { allowsPublicAnd } from '../../../src/webhooks/addresses.ts';
import { guardedLookup } from '../../../src/webhooks/guarded-lookup.ts';
import { whyNotUrl } from '../../../src/webhooks/url-rules.ts';

const isPublic = allowsPublicAnd([]);

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
  ])('%s is not', (address) => expect(isPublic(address)).toBe(false));

  test('what is allowed besides, and nothing next to it', () => {
    const allows = allowsPublicAnd(['10.20.0.0/16', 'fd00:1::/32']);
    expect(['10.20.0.1', '::ffff:10.20.0.1', 'fd00:1::1', '8.8.8.8'].map(allows)).toEqual([
      ...[true, true, true, true],
    ]);
    expect(['10.21.0.1', 'fd00:2::1', '127.0.0.1'].map(allows)).toEqual([false, false, false]);
  });

  test.each(['10.0.0.0', '10.0.0.0/33', 'localhost/8', '10.0.0/8', ''])(
    '%j is no network',
    (text) => expect(() => allowsPublicAnd([text])).toThrow('is not a network'),
  );
});

describe('a URL', () => {
  test.each([
    'https://billing.example.com/hooks?source=arcadia',
    'https://billing.example.com:8443/',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
  ])('may be %s', (url) => expect(whyNotUrl(url, isPublic)).toBeNull());

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
  ])('may not be %s', (url, reason) => expect(whyNotUrl(url, isPublic)).toContain(reason));

  test('may be plain http to this machine alone, where that is allowed', () => {
    const allows = allowsPublicAnd(['127.0.0.0/8', '10.0.0.0/8', '::1/128']);
    for (const host of ['127.0.0.1:8000', 'localhost:8000', '[::1]:8000']) {
      expect(whyNotUrl(`http://${host}/`, allows)).toBeNull();
    }
    expect(whyNotUrl('http://10.0.0.1/', allows)).toContain('https');
    expect(whyNotUrl('https://10.0.0.1/', allows)).toBeNull();
  });
});

describe('a name, when it is connected to', () => {
  const resolve = (allows: (address: string) => boolean, all: boolean) =>
    new Promise((done, fail) => {
      guardedLookup(allows)('localhost', { all }, (error, addresses) => {
        if (error) fail(error);
        else done(addresses);
      });
    });

  test('is refused where it leads into the house', async () => {
    await expect(resolve(isPublic, true)).rejects.toThrow('not a public address');
    // One of several is enough.
    await expect(resolve((address) => address === 'none', true)).rejects.toThrow('localhost');
  });

  test('is what it resolves to otherwise, in both ways to ask', async () => {
    expect(await resolve(() => true, true)).toContainEqual(
      expect.objectContaining({ address: expect.stringMatching(/^127\.|^::1$/) as string }),
    );
    expect(await resolve(() => true, false)).toMatch(/^127\.|^::1$/);
  });
});
