import { describe, expect, test } from 'vitest';
import { readTlsSettings } from '../../src/db/tls.ts';

const URL_ = 'postgres://app:s%40crit@db.example.com:5433/arcadia';
const NOTHING = { caFile: null, certFile: null, keyFile: null };

describe('TLS in a database URL', () => {
  test.each([
    ['', null],
    ['?sslmode=disable', null],
    ['?sslmode=no-verify', { verifiesCertificate: false, verifiesHost: false }],
    ['?sslmode=require', { verifiesCertificate: true, verifiesHost: true }],
    ['?sslmode=verify-ca', { verifiesCertificate: true, verifiesHost: false }],
    ['?sslmode=verify-full', { verifiesCertificate: true, verifiesHost: true }],
  ])('%j', (query, tls) => {
    expect(readTlsSettings(URL_ + query)).toEqual({
      url: URL_,
      tls: tls && { ...NOTHING, ...tls },
    });
  });

  test('certificates are removed from the URL, and are verified by default', () => {
    const { url, tls } = readTlsSettings(
      `${URL_}?sslrootcert=/ca.pem&options=-c%20x%3D1&sslcert=/c.pem&sslkey=/k.pem`,
    );
    expect(url).toBe(`${URL_}?options=-c+x%3D1`);
    expect(tls).toEqual({
      verifiesCertificate: true,
      verifiesHost: true,
      caFile: '/ca.pem',
      certFile: '/c.pem',
      keyFile: '/k.pem',
    });
  });

  test.each(['prefer', 'allow', 'VERIFY-FULL', ''])('rejects sslmode=%s', (mode) => {
    expect(() => readTlsSettings(`${URL_}?sslmode=${mode}`)).toThrow('no-verify, require');
  });

  test('rejects a certificate without its key', () => {
    expect(() => readTlsSettings(`${URL_}?sslcert=/c.pem`)).toThrow('sslcert and sslkey together');
  });
});
