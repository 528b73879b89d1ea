import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examine } from '../../src/cli/commands/doctor-command.ts';
import { explain } from '../../src/cli/explain-error.ts';
import { connectWithin } from '../../src/lib/connect-within.ts';
import { readTemporalTarget, temporalServer } from '../../src/temporal/connection.ts';
import { temporalServerForWorker } from '../../src/temporal/worker-connection.ts';
import { createAuthority, type Certified, type TestAuthority } from '../_util/certificates.ts';
import { claimNamespace } from '../_util/temporal.ts';
import { startTlsProxy } from '../_util/tls-proxy.ts';

/** The dev server has no TLS: a proxy in front of it has. */
let server: { address: string; namespace: string };
let ours: TestAuthority;
let other: TestAuthority;
const folder = mkdtempSync(join(tmpdir(), 'arcadia-tls-'));
let CA: string;
let OTHER_CA: string;

beforeAll(async () => {
  server = await claimNamespace();
  [ours, other] = await Promise.all([createAuthority('ours'), createAuthority('other')]);
  CA = file('ca.pem', ours.cert);
  OTHER_CA = file('other-ca.pem', other.cert);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, contents: string): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

function clientEnv(name: string, { cert, key }: Certified): Record<string, string> {
  return {
    TEMPORAL_TLS_CLIENT_CERT_PATH: file(`${name}.pem`, cert),
    TEMPORAL_TLS_CLIENT_KEY_PATH: file(`${name}.key`, key),
  };
}

/** What a connection of each kind ends with: null, or the explanation of its error. */
async function connectAll(env: Record<string, string>, host: string, options: TlsOptions | null) {
  await using proxy = options && (await startTlsProxy(server.address, options));
  const target = readTemporalTarget({
    TEMPORAL_ADDRESS: proxy ? `${host}:${proxy.port}` : server.address,
    ...env,
  });
  const patience = { timeoutSeconds: 0.1 };
  const outcome = async (connect: () => Promise<{ close(): Promise<void> }>) => {
    try {
      await (await connect()).close();
      return null;
    } catch (error) {
      const { error: kind, reason, hint } = explain(error);
      return { kind, reason: reason.replaceAll(target.address, 'ADDRESS'), hint };
    }
  };
  return {
    client: await outcome(async () => {
      return (await connectWithin(temporalServer(target), patience)).connection;
    }),
    worker: await inTurn(() =>
      outcome(() =>
        connectWithin(temporalServerForWorker(target, pino({ level: 'silent' })), patience),
      ),
    ),
  };
}

let turn: Promise<unknown> = Promise.resolve();

/** Workers' connections share one runtime, which ends with the last of them. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const done = turn.then(work);
  turn = done.catch(() => undefined);
  return done;
}

type Outcomes = Awaited<ReturnType<typeof connectAll>>;

function expectBoth(outcomes: Outcomes, reason: string, hint: string): void {
  for (const outcome of Object.values(outcomes)) {
    expect(outcome).toEqual({
      kind: 'unreachable',
      reason: expect.stringContaining(`The Temporal server at ADDRESS ${reason}`),
      hint: expect.stringContaining(hint),
    });
  }
}

const local = { dns: ['localhost'] };
const mutual = (certified: Certified): TlsOptions => ({
  ...certified,
  ca: ours.cert,
  requestCert: true,
  rejectUnauthorized: true,
});
const trusting = () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: CA });
const BOTH = { client: null, worker: null };

// Concurrent, because the client waits 5 seconds for a connection.
describe.concurrent('TLS to Temporal', () => {
  test('connects with the right authority, name and client certificate', async () => {
    const options = mutual(await ours.issue(local));
    const env = { ...trusting(), ...clientEnv('right', await ours.issue()) };
    expect(await connectAll(env, 'localhost', options)).toEqual(BOTH);
  });

  test('connects to another name if TEMPORAL_TLS_SERVER_NAME is one of the certificate', async () => {
    const options = await ours.issue({ dns: ['temporal.example'] });
    const env = { ...trusting(), TEMPORAL_TLS_SERVER_NAME: 'temporal.example' };
    expect(await connectAll(env, 'localhost', options)).toEqual(BOTH);
  });

  test('connects to an IP address that the certificate names', async () => {
    const options = await ours.issue({ ips: ['127.0.0.1'] });
    expect(await connectAll(trusting(), '127.0.0.1', options)).toEqual(BOTH);
  });
});

describe.concurrent('a mistake in TLS to Temporal is named with the variable to check:', () => {
  test.each([
    ['another authority', () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: OTHER_CA })],
    ['no authority', () => ({ TEMPORAL_TLS: 'true' })],
  ])('%s', async (_name, env) => {
    expectBoth(
      await connectAll(env(), 'localhost', await ours.issue(local)),
      'has a certificate that no trusted authority has signed (',
      'check TEMPORAL_TLS_SERVER_CA_CERT_PATH',
    );
  });

  test.each([
    ['another name', { dns: ['temporal.example'] }, 'localhost', {}],
    ['an IP address that the certificate lacks', local, '127.0.0.1', {}],
    ['another server name', local, 'localhost', { TEMPORAL_TLS_SERVER_NAME: 'temporal.example' }],
  ])('%s', async (_name, names, host, env) => {
    expectBoth(
      await connectAll({ ...trusting(), ...env }, host, await ours.issue(names)),
      'has a certificate for other names (',
      'names in TEMPORAL_ADDRESS, or set TEMPORAL_TLS_SERVER_NAME to one',
    );
  });

  test('a certificate with a common name only, which workers reject', async () => {
    const options = await ours.issue({ commonName: 'localhost' });
    const { worker } = await connectAll(trusting(), 'localhost', options);
    expect(worker?.reason).toContain('has a certificate for other names (');
  });

  test('an expired certificate', async () => {
    const options = await ours.issue({ ...local, validFrom: -3, validTo: -1 });
    expectBoth(
      await connectAll(trusting(), 'localhost', options),
      'has a certificate that has expired (',
      "renew the server's certificate",
    );
  });

  test('a certificate from the future', async () => {
    const options = await ours.issue({ ...local, validFrom: 1, validTo: 3 });
    expectBoth(
      await connectAll(trusting(), 'localhost', options),
      "has a certificate that isn't valid yet (",
      "check this machine's clock",
    );
  });

  test('no client certificate', async () => {
    expectBoth(
      await connectAll(trusting(), 'localhost', mutual(await ours.issue(local))),
      'requires a client certificate (',
      'set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH',
    );
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'a client certificate of another authority, %s',
    async (maxVersion) => {
      const options = { ...mutual(await ours.issue(local)), maxVersion };
      const env = { ...trusting(), ...clientEnv('foreign', await other.issue()) };
      // Node closes the connection; servers in Go send an alert.
      expectBoth(
        await connectAll(env, 'localhost', options),
        'closed the connection during the TLS handshake (',
        'check TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH, if the server requires',
      );
    },
  );

  test('no client certificate, TLSv1.2', async () => {
    const options = { ...mutual(await ours.issue(local)), maxVersion: 'TLSv1.2' as const };
    expectBoth(
      await connectAll(trusting(), 'localhost', options),
      'refused the TLS handshake (',
      'check TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH, if the server requires',
    );
  });

  test('a server without TLS', async () => {
    expectBoth(
      await connectAll(trusting(), 'localhost', null),
      "doesn't offer TLS (",
      'set TEMPORAL_TLS=false',
    );
  });

  test.each([
    ['a server that accepts only TLS', () => ours.issue(local)],
    ['one that also requires a client certificate', async () => mutual(await ours.issue(local))],
  ])('%s', async (_name, options) => {
    expectBoth(
      await connectAll({}, 'localhost', await options()),
      'accepts only TLS connections',
      'set TEMPORAL_TLS=true',
    );
  });

  test('doctor shows it', async () => {
    await using proxy = await startTlsProxy(server.address, await ours.issue(local));
    const { checks } = await examine({
      TEMPORAL_ADDRESS: `localhost:${proxy.port}`,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: OTHER_CA,
    });
    expect(checks.find(({ name }) => name === 'temporal')).toMatchObject({
      state: 'problem',
      detail: expect.stringContaining('has a certificate that no trusted authority has signed'),
      advice: expect.stringContaining('check TEMPORAL_TLS_SERVER_CA_CERT_PATH'),
    });
  });
});

describe('TLS variables of Temporal that cannot be used are rejected before connecting:', () => {
  const complaintAbout = (env: Record<string, string>) => {
    try {
      readTemporalTarget(env);
      return null;
    } catch (error) {
      const { error: kind, reason } = explain(error);
      expect(kind).toBe('invalid-configuration');
      return reason;
    }
  };

  test('a file that does not exist', () => {
    expect(complaintAbout({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca.pem' })).toBe(
      "TEMPORAL_TLS_SERVER_CA_CERT_PATH can't be read: ENOENT: no such file or directory, open '/nowhere/ca.pem'",
    );
  });

  test('an authority that is not a certificate', () => {
    const path = file('garbage.pem', 'hello');
    expect(complaintAbout({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: path })).toMatch(
      /^TEMPORAL_TLS_SERVER_CA_CERT_PATH isn't a PEM certificate: /,
    );
    expect(complaintAbout({ TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'hello' })).toMatch(
      /^TEMPORAL_TLS_SERVER_CA_CERT_DATA isn't a PEM certificate: /,
    );
  });

  test('a certificate without its key, and a key without its certificate', async () => {
    const { TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH } = clientEnv(
      'half',
      await ours.issue(),
    ) as { TEMPORAL_TLS_CLIENT_CERT_PATH: string; TEMPORAL_TLS_CLIENT_KEY_PATH: string };
    expect(complaintAbout({ TEMPORAL_TLS_CLIENT_CERT_PATH })).toBe(
      'TEMPORAL_TLS_CLIENT_CERT_PATH is set without TEMPORAL_TLS_CLIENT_KEY_PATH: set both, or neither',
    );
    expect(complaintAbout({ TEMPORAL_TLS_CLIENT_KEY_PATH })).toBe(
      'TEMPORAL_TLS_CLIENT_KEY_PATH is set without TEMPORAL_TLS_CLIENT_CERT_PATH: set both, or neither',
    );
  });

  test('the key of another certificate, and a key that is not one', async () => {
    const { cert } = await ours.issue();
    const { key } = await ours.issue();
    expect(complaintAbout(clientEnv('mixed', { cert, key }))).toBe(
      "TEMPORAL_TLS_CLIENT_KEY_PATH isn't the private key of the certificate in TEMPORAL_TLS_CLIENT_CERT_PATH",
    );
    expect(complaintAbout(clientEnv('bad-key', { cert, key: cert }))).toMatch(
      /^TEMPORAL_TLS_CLIENT_KEY_PATH isn't a PEM private key without a passphrase: /,
    );
  });
});
