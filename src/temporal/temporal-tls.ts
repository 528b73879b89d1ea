import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { loadConfigData, type ClientConfigTLS, type ConfigDataSource } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import type { UnreachableError } from '../lib/connect-within.ts';
import { nameTlsFailure, tlsError, type TlsNames } from '../lib/tls-failure.ts';
import { readCertificate, readKeyPair, TlsSettingsError, type TlsFile } from '../lib/tls-files.ts';

/**
 * Checks the certificates and the key of a profile. The SDK reads them, ignores a certificate without its key, and
 * reports the other mistakes as a server that doesn't answer.
 * @throws TlsSettingsError that names the variable
 */
export function checkTemporalTls(tls: ClientConfigTLS | undefined): void {
  if (!tls || tls.disabled) return;
  const ca = toFile('SERVER_CA_CERT', tls.serverCACert);
  const cert = toFile('CLIENT_CERT', tls.clientCert);
  const key = toFile('CLIENT_KEY', tls.clientKey);
  if (ca) readCertificate(ca);
  if (cert && key) readKeyPair(cert, key);
  else if (cert) throw alone(cert, 'TEMPORAL_TLS_CLIENT_KEY_PATH');
  else if (key) throw alone(key, 'TEMPORAL_TLS_CLIENT_CERT_PATH');
}

function toFile(name: string, source: ConfigDataSource | undefined): TlsFile | null {
  if (source === undefined) return null;
  return {
    setting: `TEMPORAL_TLS_${name}_${'path' in source ? 'PATH' : 'DATA'}`,
    read: () => Buffer.from(loadConfigData(source) ?? []),
  };
}

function alone({ setting }: TlsFile, other: string): Error {
  return new TlsSettingsError(`${setting} is set without ${other}: set both, or neither`);
}

const NAMES: TlsNames = {
  on: 'TEMPORAL_TLS=true',
  off: 'TEMPORAL_TLS=false',
  ca: 'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
  clientCertificate: 'TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH',
  host: 'TEMPORAL_ADDRESS',
  serverName: 'TEMPORAL_TLS_SERVER_NAME',
};

/**
 * Returns the error to throw if a connection failed because of TLS; null otherwise. It may have to try a handshake of
 * its own: grpc-js retries a failed one until its deadline and then reports only that.
 */
export async function explainTemporalTls(
  server: { readonly name: string; readonly address: string },
  tls: NativeConnectionOptions['tls'],
  error: unknown,
): Promise<UnreachableError | null> {
  const named = nameTlsFailure(error);
  if (named) return tlsError(server, named, NAMES, error);
  const tried = await tryHandshake(server.address, tls);
  if (tls) {
    const failure = nameTlsFailure(tried);
    return failure && tlsError(server, failure, NAMES, tried);
  }
  const failure = { kind: 'server-wants-tls', detail: null } as const;
  return speaksTls(tried) ? tlsError(server, failure, NAMES, error) : null;
}

/** Whether a handshake succeeded, or the server ended it with an alert. */
function speaksTls(tried: unknown): boolean {
  return (
    tried === null ||
    (tried instanceof Error && 'code' in tried && /ALERT|EPROTO/.test(String(tried.code)))
  );
}

const HANDSHAKE_TIMEOUT_MS = 3_000;

/** What an HTTP/2 client sends first: the magic bytes and empty settings. Any server answers it. */
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';

/**
 * Connects as the SDKs do, up to the server's first answer, because a server rejects a client's certificate only after
 * the handshake. Not with `node:http2`, which swallows that error. Without TLS settings, the server isn't verified.
 * @returns null if it succeeded, otherwise the error
 */
async function tryHandshake(
  address: string,
  tls: NativeConnectionOptions['tls'],
): Promise<unknown> {
  const settings = typeof tls === 'object' && tls !== null ? tls : {};
  const { serverNameOverride, serverRootCACertificate: ca, clientCertPair: pair } = settings;
  const [, host = '', port = '7233'] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(address) ?? [];
  const servername = serverNameOverride ?? (isIP(host) === 0 ? host : null);
  const socket = connect({
    host,
    port: Number(port),
    ALPNProtocols: ['h2'],
    rejectUnauthorized: Boolean(tls),
    ...(servername !== null && { servername }),
    ...(ca && { ca: Buffer.from(ca) }),
    ...(pair && { cert: Buffer.from(pair.crt), key: Buffer.from(pair.key) }),
  });
  try {
    return await new Promise((resolve) => {
      const failWith = (message: string) => () => {
        resolve(new Error(message));
      };
      socket
        .once('secureConnect', () => socket.write(PREFACE, 'latin1'))
        .once('data', () => {
          resolve(null);
        })
        .on('error', resolve)
        .once('close', failWith('closed after the handshake'))
        .setTimeout(HANDSHAKE_TIMEOUT_MS, failWith('no answer'));
    });
  } finally {
    socket.destroy();
  }
}
