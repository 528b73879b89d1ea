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
 * Takes the TLS parameters out of a database URL: slonik knows only some of them, and reads no
 * certificates. `require` verifies like `verify-full`, as node-postgres has it (libpq's verifies
 * nothing); who wants encryption alone says `no-verify`. `allow` and `prefer` are refused: they go
 * without TLS as soon as somebody in between wants it.
 * @throws TlsSettingsError
 */
export function readTlsSettings(databaseUrl: string): TlsSettings {
  const url = new URL(databaseUrl);
  const [mode, caFile, certFile, keyFile] = PARAMETERS.map((name) => url.searchParams.get(name));
  for (const name of PARAMETERS) url.searchParams.delete(name);
  // Who names a CA means it.
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
