import type { PeerCertificate } from 'node:tls';
import { UnreachableError } from './connect-within.ts';

/** Why a TLS connection to a server can't be made. */
export interface TlsFailure {
  readonly kind: TlsFailureKind;
  /** The code or the part of the message that shows it; null: there is none. */
  readonly detail: string | null;
}

type TlsFailureKind =
  | 'untrusted-server'
  | 'wrong-name'
  | 'expired'
  | 'not-yet-valid'
  | 'client-certificate-missing'
  | 'client-certificate-rejected'
  | 'server-without-tls'
  | 'server-wants-tls'
  | 'refused'
  | 'cut-off';

/**
 * What shows each kind in a code or message: of Node's TLS (OpenSSL), of rustls in Temporal's worker, of node-postgres,
 * of PostgreSQL. Most were seen with real servers; the rarer OpenSSL codes and alerts are from their lists of codes.
 */
const SIGNS: Readonly<Record<TlsFailureKind, RegExp>> = {
  'untrusted-server':
    /\b(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_SIGNATURE_FAILURE)\b|InvalidCertificate\((?:UnknownIssuer|BadSignature)\)/,
  'wrong-name': /\bERR_TLS_CERT_ALTNAME_INVALID\b|NotValidForNameContext \{[^}]*\}/,
  expired: /\bCERT_HAS_EXPIRED\b|InvalidCertificate\(Expired/,
  'not-yet-valid': /\bCERT_NOT_YET_VALID\b|InvalidCertificate\(NotValidYet/,
  'client-certificate-missing':
    /alert certificate required|fatal alert: CertificateRequired|connection requires a valid client certificate/,
  'client-certificate-rejected':
    /alert (?:bad certificate|unsupported certificate|certificate (?:revoked|expired|unknown)|unknown ca|access denied|decrypt error)|(?:fatal alert: |AlertReceived\()(?:BadCertificate|UnsupportedCertificate|Certificate(?:Revoked|Expired|Unknown)|UnknownCA|AccessDenied|DecryptError)|certificate authentication failed for user "[^"]*"/,
  'server-without-tls':
    /\bERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)\b|InvalidContentType|does not support SSL connections/,
  'server-wants-tls': /no pg_hba\.conf entry for [^\n]*, no encryption/,
  refused:
    /alert (?:handshake failure|protocol version)|AlertReceived\((?:HandshakeFailure|ProtocolVersion)\)|error establishing an SSL connection/,
  'cut-off':
    /socket disconnected before secure TLS connection|closed after the handshake|tls handshake eof/,
};

/** Returns why TLS failed, from an error or one of its causes; null if the error isn't about TLS. */
export function nameTlsFailure(error: unknown): TlsFailure | null {
  if (!(error instanceof Error)) return null;
  const text = `${'code' in error ? String(error.code) : ''} ${error.message}`;
  for (const [kind, sign] of Object.entries(SIGNS) as [TlsFailureKind, RegExp][]) {
    const found = sign.exec(text);
    if (found) return { kind, detail: describeNames(error) ?? found[0] };
  }
  const causes: unknown[] = error instanceof AggregateError ? error.errors : [error.cause];
  return causes.map(nameTlsFailure).find((failure) => failure !== null) ?? null;
}

/** Returns the names of the certificate and the one that it lacks, which Node adds to its error; null without them. */
function describeNames(error: Error): string | null {
  if (!('host' in error && 'cert' in error)) return null;
  const { subjectaltname: names = 'none' } = error.cert as Partial<PeerCertificate>;
  return `${names}; not ${String(error.host)}`;
}

/** The names of the settings of a connection, for messages. */
export interface TlsNames {
  /** The settings that turn TLS on and off: `TEMPORAL_TLS=true`. */
  readonly on: string;
  readonly off: string;
  /** The file with the authorities that may sign the server's certificate. */
  readonly ca: string;
  readonly clientCertificate: string;
  /** The server's address. */
  readonly host: string;
  /** The name that the certificate must have, if it isn't the address; null: there is no such setting. */
  readonly serverName: string | null;
}

/** Returns the error to throw for a connection that TLS prevents. */
export function tlsError(
  { name, address }: { readonly name: string; readonly address: string },
  { kind, detail }: TlsFailure,
  names: TlsNames,
  cause: unknown,
): UnreachableError {
  const [reason, hint] = explain(kind, names);
  const shown = detail === null ? '' : ` (${detail})`;
  return new UnreachableError(`${name} at ${address} ${reason}${shown}`, name, {
    hint,
    // The others stay as they are until an operator changes a setting or a certificate.
    mayPass: kind === 'cut-off' || kind === 'not-yet-valid',
    cause,
  });
}

/** Returns what happened, to follow "The server at host:port", and what to do about it. */
function explain(kind: TlsFailureKind, names: TlsNames): readonly [reason: string, hint: string] {
  switch (kind) {
    case 'untrusted-server':
      return [
        'has a certificate that no trusted authority has signed',
        `check ${names.ca}: it must have the authority that signed the server's certificate`,
      ];
    case 'wrong-name':
      return [
        'has a certificate for other names',
        names.serverName === null
          ? `use one of its subject alternative names in ${names.host}`
          : `use one of its subject alternative names in ${names.host}, or set ${names.serverName} to one`,
      ];
    case 'expired':
      return [
        'has a certificate that has expired',
        `renew the server's certificate, or the authority in ${names.ca} if that has expired; check this machine's clock`,
      ];
    case 'not-yet-valid':
      return [
        "has a certificate that isn't valid yet",
        "check this machine's clock and the server's certificate",
      ];
    case 'client-certificate-missing':
      return ['requires a client certificate', `set ${names.clientCertificate}`];
    case 'client-certificate-rejected':
      return [
        'rejected our client certificate',
        `check ${names.clientCertificate}: an authority that the server trusts must have signed it, and it must not have expired`,
      ];
    case 'server-without-tls':
      return ["doesn't offer TLS", `check the port in ${names.host}, or set ${names.off}`];
    case 'server-wants-tls':
      return ['accepts only TLS connections', `set ${names.on}`];
    case 'refused':
    case 'cut-off':
      return [
        kind === 'refused'
          ? 'refused the TLS handshake'
          : 'closed the connection during the TLS handshake',
        `check ${names.clientCertificate}, if the server requires a client certificate, and the port in ${names.host}`,
      ];
  }
}
