import type { IncomingHttpHeaders } from 'node:http';
import { checkSignature } from '../../lib/signing/check-signature.ts';
import { deriveSecret } from '../../lib/signing/secret.ts';
import type { Caller } from './authenticate.ts';
import type { ApiDeps } from './api-deps.ts';
import { HttpProblem } from './problems.ts';

/** Looks at a request's body before it is parsed. @throws HttpProblem */
export type CheckBody = (body: Buffer) => void;

const acceptAny: CheckBody = () => undefined;

/** Whether this caller's requests have to be signed: a route that can't read a whole body asks. */
export function mustSign({ signingSecretIds }: Caller): boolean {
  return signingSecretIds.length > 0;
}

/**
 * What a request's body has to pass: where its caller has to sign, the check of the signature.
 * @throws HttpProblem `signatures-unavailable` where nobody could tell a right signature
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

/** Never let in: that the key has to sign is known, and what with is not. */
function unavailable({ keyId }: Caller): HttpProblem {
  return new HttpProblem(
    'signatures-unavailable',
    'signatures cannot be checked here; the log says why',
    {
      headers: { 'Retry-After': '60' },
      cause: new Error(`key ${keyId} has to sign, and SIGNING_MASTER_SECRETS is not set`),
    },
  );
}
