import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';

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

/** `DATABASE_URL` has TLS parameters that we don't support. */
export class TlsSettingsError extends Error {
  override readonly name = 'TlsSettingsError';
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
 * @throws TlsSettingsError; file system errors if a certificate can't be read
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
      // Disables the host name check, which is all that `checkServerIdentity` does.
      ...(!verifiesHost && { checkServerIdentity: () => undefined }),
    },
  };
}
