import { X509Certificate, createPrivateKey } from 'node:crypto';

/** TLS settings that can't be used: an unsupported value, or a file that can't be read or isn't what it should be. */
export class TlsSettingsError extends Error {
  override readonly name = 'TlsSettingsError';
}

/** A PEM file, or a setting with its contents. */
export interface TlsFile {
  /** The setting's name in messages: `sslrootcert`. */
  readonly setting: string;
  /** @throws file system errors */
  readonly read: () => Buffer;
}

/** @throws TlsSettingsError that names the setting */
export function readCertificate(file: TlsFile): Buffer {
  return readPem(file, 'PEM certificate', (pem) => new X509Certificate(pem));
}

/** Returns a certificate and its private key. @throws TlsSettingsError that names the setting */
export function readKeyPair(certFile: TlsFile, keyFile: TlsFile): { cert: Buffer; key: Buffer } {
  const cert = readCertificate(certFile);
  const key = readPem(keyFile, 'PEM private key without a passphrase', createPrivateKey);
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw new TlsSettingsError(
      `${keyFile.setting} isn't the private key of the certificate in ${certFile.setting}`,
    );
  }
  return { cert, key };
}

function readPem({ setting, read }: TlsFile, expected: string, parse: (pem: Buffer) => unknown) {
  let pem: Buffer;
  try {
    pem = read();
  } catch (error) {
    throw new TlsSettingsError(`${setting} can't be read: ${messageOf(error)}`, { cause: error });
  }
  try {
    parse(pem);
  } catch (error) {
    throw new TlsSettingsError(`${setting} isn't a ${expected}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return pem;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
