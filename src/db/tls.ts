import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { UnreachableError } from '../lib/connect-within.ts';
import { readCertificate, readKeyPair, TlsSettingsError, type TlsFile } from '../lib/tls-files.ts';
import { nameTlsFailure, tlsError, type TlsNames } from '../lib/tls-failure.ts';

/** The TLS settings of DATABASE_URL, as libpq defines them. Files are named, not read. */
export interface TlsSettings {
  /** The URL without its TLS parameters. */
  readonly url: string;
  /** Null: no TLS. */
  readonly tls: {
    readonly verifiesCertificate: boolean;
    /** Whether the certificate must match the host. */
    readonly verifiesHost: boolean;
    readonly caFile: string | null;
    readonly certFile: string | null;
    readonly keyFile: string | null;
  } | null;
}

const PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const;
const MODES = ['disable', 'no-verify', 'require', 'verify-ca', 'verify-full'];

/**
 * Separates the TLS parameters from a database URL, because Slonik supports only some of them and reads no
 * certificates. `require` verifies like `verify-full`, as in node-postgres (libpq's verifies nothing); for
 * encryption alone, use `no-verify`. `allow` and `prefer` are rejected, because anything between client and
 * server could make them fall back to no TLS.
 * @throws TlsSettingsError
 */
export function readTlsSettings(databaseUrl: string): TlsSettings {
  const url = new URL(databaseUrl);
  const [mode, caFile, certFile, keyFile] = PARAMETERS.map((name) => url.searchParams.get(name));
  for (const name of PARAMETERS) url.searchParams.delete(name);
  // A CA or a client certificate without a mode implies full verification.
  const chosen = mode ?? (caFile || certFile ? 'verify-full' : 'disable');
  if (!MODES.includes(chosen)) {
    throw new TlsSettingsError(
      `sslmode=${chosen} in the database URL: expected one of ${MODES.join(', ')}`,
    );
  }
  if (Boolean(certFile) !== Boolean(keyFile)) {
    throw new TlsSettingsError('the database URL needs sslcert and sslkey together');
  }
  if (chosen === 'disable') return { url: url.href, tls: null };
  return {
    url: url.href,
    tls: {
      verifiesCertificate: chosen !== 'no-verify',
      verifiesHost: chosen === 'require' || chosen === 'verify-full',
      caFile: caFile ?? null,
      certFile: certFile ?? null,
      keyFile: keyFile ?? null,
    },
  };
}

/**
 * Returns a database URL for drivers, without TLS parameters, and Node's TLS options. Reads the files.
 * @throws TlsSettingsError
 */
export function withTls(databaseUrl: string): { url: string; ssl: ConnectionOptions | undefined } {
  const { url, tls } = readTlsSettings(databaseUrl);
  if (tls === null) return { url, ssl: undefined };
  const { verifiesCertificate, verifiesHost, caFile, certFile, keyFile } = tls;
  return {
    url,
    ssl: {
      rejectUnauthorized: verifiesCertificate,
      ...(caFile !== null && { ca: readCertificate(toFile('sslrootcert', caFile)) }),
      ...(certFile !== null &&
        keyFile !== null &&
        readKeyPair(toFile('sslcert', certFile), toFile('sslkey', keyFile))),
      // Disables the host name check, which is all that `checkServerIdentity` does.
      ...(!verifiesHost && { checkServerIdentity: () => undefined }),
    },
  };
}

function toFile(parameter: string, path: string): TlsFile {
  return { setting: `${parameter} of the database URL`, read: () => readFileSync(path) };
}

/**
 * Returns the error to throw if a connection to PostgreSQL failed because of TLS; null otherwise.
 * @param variable the one with the database URL
 */
export function explainDatabaseTls(
  server: { readonly name: string; readonly address: string },
  variable: string,
  error: unknown,
): UnreachableError | null {
  const failure = nameTlsFailure(error);
  return failure && tlsError(server, failure, namesIn(variable), error);
}

function namesIn(variable: string): TlsNames {
  return {
    on: `sslmode=verify-full in ${variable}`,
    off: `sslmode=disable in ${variable}`,
    ca: `sslrootcert in ${variable}`,
    clientCertificate: `sslcert and sslkey in ${variable}`,
    host: variable,
    serverName: null,
  };
}
