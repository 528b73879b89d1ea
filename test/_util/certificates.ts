import 'reflect-metadata'; // @peculiar/x509 needs it to be loaded first.
import { randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 60 * 60 * 1000;

/** A certificate with its key, both as PEM. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** The common name: for PostgreSQL, a client's role. */
  readonly commonName?: string;
  readonly dns?: readonly string[];
  readonly ips?: readonly string[];
  /** Days from now. */
  readonly validFrom?: number;
  readonly validTo?: number;
}

/** A certificate authority, made for one test file. */
export interface TestAuthority {
  /** Its own certificate, as PEM. */
  readonly cert: string;
  issue(options?: CertificateOptions): Promise<Certified>;
}

export async function createAuthority(name = 'Test CA'): Promise<TestAuthority> {
  const keys = await generateKeys();
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...validity({}),
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return {
    cert: toPem(authority),
    async issue({ commonName = 'test', dns = [], ips = [], ...options } = {}) {
      const own = await generateKeys();
      const names = [
        ...dns.map((value) => ({ type: 'dns' as const, value })),
        ...ips.map((value) => ({ type: 'ip' as const, value })),
      ];
      const certificate = await X509CertificateGenerator.create({
        ...validity(options),
        subject: `CN=${commonName}`,
        issuer: authority.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new BasicConstraintsExtension(false),
          ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
        ],
      });
      const key = await webcrypto.subtle.exportKey('pkcs8', own.privateKey);
      return { cert: toPem(certificate), key: PemConverter.encode(key, 'PRIVATE KEY') };
    },
  };
}

function generateKeys() {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function validity({ validFrom = -1, validTo = 1 }: CertificateOptions) {
  return {
    serialNumber: randomBytes(8).toString('hex'),
    notBefore: new Date(Date.now() + validFrom * DAY_MS),
    notAfter: new Date(Date.now() + validTo * DAY_MS),
  };
}

function toPem(certificate: X509Certificate): string {
  return certificate.toString('pem');
}
