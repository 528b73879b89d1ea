import { describe, expect, test } from 'vitest';
import { nameTlsFailure, tlsError } from '../../src/lib/tls-failure.ts';

const coded = (code: string, message = '') => Object.assign(new Error(message), { code });
const rust = (reason: string) =>
  new Error(
    `tonic::transport::Error(Transport, ConnectError(Custom { kind: InvalidData, ${reason} }))`,
  );
const openssl = (alert: string) =>
  coded(
    'EPROTO',
    `write EPROTO 406DEFAEAB7F0000:error:0A000418:SSL routines:${alert}:rec_layer_s3.c`,
  );

/** As Node 24, Temporal's worker 1.24, node-postgres 8 and PostgreSQL 18 report them. */
describe('the kind of failure', () => {
  test.each([
    [coded('SELF_SIGNED_CERT_IN_CHAIN'), 'untrusted-server', 'SELF_SIGNED_CERT_IN_CHAIN'],
    [coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'untrusted-server'],
    [rust('error: InvalidCertificate(UnknownIssuer)'), 'untrusted-server'],
    [
      Object.assign(coded('ERR_TLS_CERT_ALTNAME_INVALID'), {
        host: 'localhost',
        cert: { subjectaltname: 'DNS:temporal.example' },
      }),
      'wrong-name',
      'DNS:temporal.example; not localhost',
    ],
    [
      rust(
        'error: InvalidCertificate(NotValidForNameContext { expected: DnsName("localhost"), presented: [] })',
      ),
      'wrong-name',
      'NotValidForNameContext { expected: DnsName("localhost"), presented: [] }',
    ],
    [coded('CERT_HAS_EXPIRED', 'certificate has expired'), 'expired'],
    [rust('error: InvalidCertificate(ExpiredContext { time: UnixTime(1) })'), 'expired'],
    [coded('CERT_NOT_YET_VALID'), 'not-yet-valid'],
    [rust('error: InvalidCertificate(NotValidYetContext { time: UnixTime(1) })'), 'not-yet-valid'],
    [openssl('tlsv13 alert certificate required'), 'client-certificate-missing'],
    [
      new Error('hyper::Error(Io, Custom { error: "received fatal alert: CertificateRequired" })'),
      'client-certificate-missing',
    ],
    [
      coded('28000', 'connection requires a valid client certificate'),
      'client-certificate-missing',
    ],
    [openssl('tlsv1 alert unknown ca'), 'client-certificate-rejected', 'alert unknown ca'],
    [openssl('ssl/tls alert certificate expired'), 'client-certificate-rejected'],
    [
      coded('28000', 'certificate authentication failed for user "arcadia_api"'),
      'client-certificate-rejected',
    ],
    [coded('ERR_SSL_WRONG_VERSION_NUMBER'), 'server-without-tls'],
    [rust('error: InvalidMessage(InvalidContentType)'), 'server-without-tls'],
    [new Error('The server does not support SSL connections'), 'server-without-tls'],
    [
      coded('28000', 'no pg_hba.conf entry for host "::1", user "a", database "b", no encryption'),
      'server-wants-tls',
    ],
    [openssl('ssl/tls alert handshake failure'), 'refused'],
    [rust('error: AlertReceived(HandshakeFailure)'), 'refused'],
    [new Error('There was an error establishing an SSL connection'), 'refused'],
    [
      coded(
        'ECONNRESET',
        'Client network socket disconnected before secure TLS connection was established',
      ),
      'cut-off',
    ],
    [rust('error: "tls handshake eof"'), 'cut-off'],
  ] as [Error, string, string?][])('of %o is %s', (error, kind, detail) => {
    expect(nameTlsFailure(new Error('outer', { cause: error }))).toEqual({
      kind,
      detail: detail ?? expect.any(String),
    });
    expect(nameTlsFailure(new AggregateError([new Error('other'), error]))?.kind).toBe(kind);
  });

  test.each([
    coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:5432'),
    coded('28P01', 'password authentication failed for user "a"'),
    coded('28000', 'no pg_hba.conf entry for host "::1", user "a", database "b", SSL encryption'),
    new Error('Failed to connect before the deadline'),
    'text',
    null,
  ])('of %o is unknown', (error) => {
    expect(nameTlsFailure(error)).toBeNull();
  });
});

const NAMES = {
  on: 'tls=on',
  off: 'tls=off',
  ca: 'CA_FILE',
  clientCertificate: 'CERT_FILE',
  host: 'ADDRESS',
  serverName: 'SERVER_NAME',
};
const errorOf = (kind: Parameters<typeof tlsError>[1]['kind']) =>
  tlsError({ name: 'PostgreSQL', address: 'db:5432' }, { kind, detail: 'WHY' }, NAMES, null);

test('the error names the server, what happened, the code and the setting', () => {
  const { message, hint } = errorOf('untrusted-server');
  expect(message).toBe(
    'PostgreSQL at db:5432 has a certificate that no trusted authority has signed (WHY)',
  );
  expect(hint).toContain('CA_FILE');
});

test.each([
  ['cut-off', true],
  ['not-yet-valid', true],
  ['untrusted-server', false],
  ['expired', false],
  ['client-certificate-missing', false],
  ['server-without-tls', false],
] as const)('waiting after %s may help: %s', (kind, mayPass) => {
  expect(errorOf(kind).mayPass).toBe(mayPass);
});
