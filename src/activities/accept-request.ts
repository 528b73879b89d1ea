import type { z } from 'zod';
import type { AcceptRequestInput, AcceptRequestResult } from '../contracts/activities.ts';
import { FORCE_RE_RUN_SIGNAL } from '../contracts/month-end.ts';
import { forceReRunPayload, runPayload } from '../contracts/request-payload.ts';
import { isUndecodable } from '../contracts/undecodable.ts';
import {
  findRequest,
  insertAllDueTenants,
  insertForcedTenants,
  insertRequest,
  listForcedTenants,
  reopenRequest,
  requestContentHash,
  type RequestContent,
} from '../db/month-end-requests.ts';
import type { Transaction } from '../db/pool.ts';
import { isOver, type Period } from '../domain/period.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod } from './failures.ts';

/** More than these are served when the pass comes to them. */
const MAX_URGENT = 1000;

/**
 * Checks a signal and stores the request. A bad one is refused with the reason and
 * harms nothing. The same id with the same content is the same request; with
 * another content it is refused. SPEC: Month end (Force).
 */
export function acceptRequest({ db, now }: ActivityDeps) {
  return async (input: AcceptRequestInput): Promise<AcceptRequestResult> => {
    const period = requirePeriod(input.month);
    if (!isOver(period.month, now())) {
      return refuse(`${period.month} is not over yet: it can be closed from ${period.endsAt} on`);
    }
    const parsed = parseRequest(input);
    if ('reason' in parsed) return refuse(parsed.reason);
    return db.transaction((tx) => store(tx, period, parsed.request));
  };
}

interface Request extends RequestContent {
  readonly requestId: string;
  readonly actor: string | null;
}

function refuse(reason: string): AcceptRequestResult {
  return { accepted: false, reason };
}

function parseRequest({
  signal,
  payload,
  fallbackRequestId,
}: AcceptRequestInput): { readonly request: Request } | { readonly reason: string } {
  if (isUndecodable(payload)) {
    return { reason: `the payload can't be read (${payload.undecodable}): send it as JSON` };
  }
  const isForce = signal === FORCE_RE_RUN_SIGNAL;
  const parsed = (isForce ? forceReRunPayload : runPayload).safeParse(payload ?? undefined);
  if (!parsed.success) return { reason: `the payload is not valid: ${explain(parsed.error)}` };
  const { requestId, actor, reason } = parsed.data;
  const tenantIds = tenantsIn(parsed.data);
  return {
    request: {
      requestId: requestId ?? fallbackRequestId,
      actor: actor ?? null,
      reason: reason ?? null,
      kind: isForce ? 'force' : 'run',
      allTenants: isForce && tenantIds.length === 0,
      tenantIds,
    },
  };
}

function tenantsIn(payload: z.infer<typeof forceReRunPayload> | z.infer<typeof runPayload>) {
  return 'tenantIds' in payload ? (payload.tenantIds ?? []) : [];
}

function explain(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ');
}

async function store(
  tx: Transaction,
  period: Period,
  request: Request,
): Promise<AcceptRequestResult> {
  const { requestId } = request;
  const inserted = await insertRequest(tx, period, request);
  if (inserted === null) {
    const stored = await findRequest(tx, period, requestId);
    if (!stored?.contentHash.equals(requestContentHash(request))) {
      return refuse(`request id ${requestId} was used before with another content`);
    }
    const waiting = await reopenRequest(tx, stored);
    return { accepted: true, requestId, waiting, ...(await forced(tx, stored.requestSeq)) };
  }
  if (request.allTenants) await insertAllDueTenants(tx, period, inserted);
  else if (request.kind === 'force') {
    await insertForcedTenants(tx, period, inserted, request.tenantIds);
  }
  return { accepted: true, requestId, waiting: true, ...(await forced(tx, inserted)) };
}

async function forced(tx: Transaction, requestSeq: number) {
  const tenants = await listForcedTenants(tx, requestSeq);
  return {
    urgentTenantIds: tenants
      .filter(({ refusal }) => refusal === null)
      .map(({ tenantId }) => tenantId)
      .slice(0, MAX_URGENT),
    refusals: tenants.flatMap(({ refusal }) => refusal ?? []),
  };
}
