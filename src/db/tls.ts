import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';

/** What DATABASE_URL says of TLS, as libpq has it; files are named, not read. */
export interface TlsSettings {
  /** The rest of the URL. */
  readonly url: string;
  /** Null: no TLS. */
  readonly tls: {
    readonly verifiesCertificate: boolean;
    /** Whether the certificate must be of this host. */
    readonly verifiesHost: boolean;
    readonly caFile: string | null;
    readonly certFile: string | null;
    readonly keyFile: string | null;
  } | null;
}

/** `DATABASE_URL` asks for TLS in a way that we don't have. */
export class TlsSettingsError extends Error {
  override readonly name = 'TlsSettingsError';
}

const PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const;
const MODES = ['disable', 'no-verify', 'require', 'verify-ca', 'verify-full'];

/**
 * Takes the TLS parameters out of a database URL: slonik knows only some of them, and reads no certificates.
 * `require` verifies like `verify-full`, as in node-postgres (libpq's verifies nothing); for encryption
 * alone, use `no-verify`. `allow` and `prefer` are rejected: anything between client and server could make
 * them fall back to no TLS.
 * @throws TlsSettingsError
 */
export function readTlsSettings(databaseUrl: string): TlsSettings {
  const url = new URL(databaseUrl);
  const [mode, caFile, certFile, keyFile] = PARAMETERS.map((name) => url.searchParams.get(name));
  for (const name of PARAMETERS) url.searchParams.delete(name);
  // A CA without a mode means that it must be checked.
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
 * A database URL for drivers: without TLS parameters, and with Node's options for them.
 * @throws TlsSettingsError; the file system's errors for a certificate that can't be read
 */
export function withTls(databaseUrl: string): { url: string; ssl: ConnectionOptions | undefined } {
  const { url, tls } = readTlsSettings(databaseUrl);
  if (tls === null) return { url, ssl: undefined };
  const { verifiesCertificate, verifiesHost, caFile, certFile, keyFile } = tls;
  return {
    url,
    ssl: {
      rejectUnauthorized: verifiesCertificate,
      ...(caFile !== null && { ca: readFileSync(caFile, 'utf8') }),
      ...(certFile !== null && { cert: readFileSync(certFile, 'utf8') }),
      ...(keyFile !== null && { key: readFileSync(keyFile, 'utf8') }),
      // Node's check of the name is the only one that it has.
      ...(!verifiesHost && { checkServerIdentity: () => undefined }),
    },
  };
}
