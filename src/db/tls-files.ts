import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { readTlsSettings } from './tls.ts';

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
