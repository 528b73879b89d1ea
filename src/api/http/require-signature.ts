import type { IncomingHttpHeaders } from 'node:http';
import { checkSignature } from '../../lib/signing/check-signature.ts';
import { deriveSecret } from '../../lib/signing/sign.ts';
import type { Caller } from './authenticate.ts';
import type { ApiDeps } from './api-deps.ts';
import { HttpProblem } from './problems.ts';

/** Checks a request's body before it is parsed. @throws HttpProblem */
export type CheckBody = (body: Buffer) => void;

const acceptAny: CheckBody = () => undefined;

/** Whether this caller must sign its requests. */
export function mustSign({ signingSecretIds }: Caller): boolean {
  return signingSecretIds.length > 0;
}

/**
 * Returns the check for a request's body: it verifies the signature if the caller must sign.
 * @throws HttpProblem `signatures-unavailable` if the signing secrets are not configured
 */
export function signatureCheck(
  caller: Caller | null,
  headers: IncomingHttpHeaders,
  { config, now }: Pick<ApiDeps, 'config' | 'now'>,
): CheckBody {
  if (caller === null || !mustSign(caller)) return acceptAny;
  if (config.signingMasterSecrets.length === 0) throw unavailable(caller);
  return (body) => {
    const secrets = config.signingMasterSecrets.flatMap((masterSecret) =>
      caller.signingSecretIds.map((secretId) => deriveSecret(masterSecret, secretId)),
    );
    const complaint = checkSignature({ headers, body }, secrets, now());
    if (complaint !== null) {
      throw new HttpProblem('invalid-signature', `${complaint.kind}: ${complaint.detail}`);
    }
  };
}

/** The key must sign, but the process has no secret to verify with, so the request is rejected. */
function unavailable({ keyId }: Caller): HttpProblem {
  return new HttpProblem(
    'signatures-unavailable',
    'signatures cannot be verified; the log has the reason',
    {
      headers: { 'Retry-After': '60' },
      cause: new Error(`key ${keyId} must sign, but SIGNING_MASTER_SECRETS is not set`),
    },
  );
}
