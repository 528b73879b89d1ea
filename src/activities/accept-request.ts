import type { z } from 'zod';
import type { AcceptRequestInput, AcceptRequestResult } from '../contracts/activity-types.ts';
import { FORCE_RE_RUN_SIGNAL, RELEASE_SIGNAL } from '../contracts/month-end-types.ts';
import { MAX_FORCED_TENANTS, forceReRunPayload, runPayload } from '../contracts/request-payload.ts';
import { whyNotClosable } from '../db/month-end/closable-months.ts';
import {
  findRequest,
  insertAllDueTenants,
  insertForcedTenants,
  insertRequest,
  listForcedTenants,
  reopenRequest,
  requestContentHash,
  type RequestContent,
} from '../db/month-end/month-end-requests.ts';
import type { Transaction } from '../db/pool.ts';
import { fixCalendar } from '../db/settings/load-calendar.ts';
import type { Period } from '../domain/period.ts';
import { acceptRelease } from './accept-release.ts';
import type { ActivityDeps } from './deps.ts';
import { requirePeriod } from './activity-failures.ts';
import { serveOnRecord, type Claim } from './record-signal.ts';
import { idOfSignal, parsePayload, refuse, shortened } from './signal-payload.ts';

/**
 * Validates a signal and serves it: stores the request, or releases invoices. A bad signal is refused with a reason, and
 * changes nothing. The same id with the same content is the same request; with different content it is refused.
 * docs/spec.md#month-end (Force).
 */
export function acceptRequest({ db, now }: ActivityDeps) {
  return async (input: AcceptRequestInput): Promise<AcceptRequestResult> => {
    const { month } = await requirePeriod(db, input.month);
    if (input.signal === RELEASE_SIGNAL) return acceptRelease(db, input);
    const parsed = parseRequest(input);
    const claim: Claim = 'request' in parsed ? parsed.request : { requestId: null, actor: null };
    let notClosable = await whyNotClosable(db, month, now());
    if (notClosable === null && 'request' in parsed) {
      await fixCalendar(db);
      // Again, because until it was fixed the zone may have changed, and with it the end of the month.
      notClosable = await whyNotClosable(db, month, now());
    }
    const period = await requirePeriod(db, month);
    return serveOnRecord(db, input, claim, async (tx, actor) => {
      if (notClosable !== null) return refuse(notClosable);
      if ('reason' in parsed) return refuse(parsed.reason);
      return store(tx, period, { ...parsed.request, actor });
    });
  };
}

interface Request extends RequestContent {
  readonly requestId: string;
  /** Whether its sender chose the request id. */
  readonly isNamed: boolean;
  /** As claimed by its sender. */
  readonly actor: string | null;
}

function parseRequest({
  signal,
  payload,
  signalId,
}: AcceptRequestInput): { readonly request: Request } | { readonly reason: string } {
  const isForce = signal === FORCE_RE_RUN_SIGNAL;
  const parsed = parsePayload<z.infer<typeof runPayload>>(
    isForce ? forceReRunPayload : runPayload,
    payload,
  );
  if ('reason' in parsed) return parsed;
  const { requestId, actor, reason } = parsed.data;
  const forced: Partial<ForceReRunPayload> = isForce ? (parsed.data as ForceReRunPayload) : {};
  const { tenantIds = [], onlyIfChanged = false, acceptBounds = false } = forced;
  const content: RequestContent = {
    kind: isForce ? 'force' : 'run',
    allTenants: isForce && tenantIds.length === 0,
    tenantIds,
    reason: reason ?? null,
    onlyIfChanged,
    acceptBounds,
  };
  return {
    request: {
      ...content,
      requestId: requestId ?? idOfSignal(signalId, requestContentHash(content).toString('hex')),
      isNamed: requestId !== undefined,
      actor: actor ?? null,
    },
  };
}

type ForceReRunPayload = z.infer<typeof forceReRunPayload>;

async function store(
  tx: Transaction,
  period: Period,
  request: Request & { readonly actor: string },
): Promise<AcceptRequestResult> {
  const { requestId } = request;
  const inserted = await insertRequest(tx, period, request);
  if (inserted === null) {
    const stored = await findRequest(tx, period.month, requestId);
    if (!stored?.contentHash.equals(requestContentHash(request))) {
      return refuse(`request id ${requestId} was already used with different content`);
    }
    const waiting = await reopenRequest(tx, stored);
    const { urgentTenantIds, refusals } = await forced(tx, stored.requestSeq, requestId);
    const isRepeated = !waiting && !request.isNamed;
    return {
      accepted: true,
      requestId,
      waiting,
      urgentTenantIds,
      refusals: isRepeated ? [...refusals, servedBefore(requestId)] : refusals,
    };
  }
  if (request.allTenants) await insertAllDueTenants(tx, period, inserted);
  else if (request.kind === 'force') {
    await insertForcedTenants(tx, period, inserted, request.tenantIds);
  }
  return { accepted: true, requestId, waiting: true, ...(await forced(tx, inserted, requestId)) };
}

/** Shown after a reset, so that operators know that the signal had no effect again. */
function servedBefore(requestId: string): string {
  return `nothing to do: request ${requestId} was already served. A reset re-applies signals; for another revision, send the signal with a new "requestId"`;
}

async function forced(tx: Transaction, requestSeq: number, requestId: string) {
  const tenants = await listForcedTenants(tx, requestSeq);
  const refusals = tenants.flatMap(({ refusal }) => refusal ?? []);
  return {
    urgentTenantIds: tenants
      .filter(({ refusal }) => refusal === null)
      .map(({ tenantId }) => tenantId)
      .slice(0, MAX_FORCED_TENANTS),
    refusals: shortened(refusals, requestId),
  };
}
