import type { z } from 'zod';
import type { AcceptRequestInput, AcceptRequestResult } from '../contracts/activity-types.ts';
import { FORCE_RE_RUN_SIGNAL } from '../contracts/month-end-types.ts';
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
import { isAnnounced } from '../db/month-end/operator-actions.ts';
import type { Queryable, Transaction } from '../db/pool.ts';
import { fixCalendar } from '../db/settings/load-calendar.ts';
import { isDatabaseUnavailable } from '../db/unavailable.ts';
import type { Period } from '../domain/period.ts';
import { explainIssue, sayOf } from '../lib/explain-issue.ts';
import { isUndecodable } from '../temporal/payload-converter.ts';
import type { ActivityDeps } from './deps.ts';
import { reasonOf, requirePeriod } from './activity-failures.ts';
import { actorOf, recordSignal, type Claim } from './record-signal.ts';

const MAX_REASON_LENGTH = 300;
/** Refused tenants that are listed one by one; the API lists all of them. */
const MAX_REFUSALS = 10;

/**
 * Validates a signal and stores the request. A bad signal is refused with a reason, and changes nothing. The same id
 * with the same content is the same request; with different content it is refused. docs/spec.md#month-end (Force).
 *
 * The API, the CLI and the Schedule record their signals before they send them. Any other signal was sent by hand and
 * is recorded here.
 */
export function acceptRequest({ db, now }: ActivityDeps) {
  return async (input: AcceptRequestInput): Promise<AcceptRequestResult> => {
    const { month } = await requirePeriod(db, input.month);
    const parsed = parseRequest(input);
    const claim: Claim = 'request' in parsed ? parsed.request : { requestId: null, actor: null };
    const byHand = await isByHand(db, input, claim);
    let notClosable = await whyNotClosable(db, month, now());
    if (notClosable === null && 'request' in parsed) {
      await fixCalendar(db);
      // Again, because until it was fixed the zone may have changed, and with it the end of the month.
      notClosable = await whyNotClosable(db, month, now());
    }
    const period = await requirePeriod(db, month);
    try {
      return await db.transaction(async (tx) => {
        let result: AcceptRequestResult;
        if (notClosable !== null) result = refuse(notClosable);
        else if ('reason' in parsed) result = refuse(parsed.reason);
        else {
          const { request } = parsed;
          const actor = byHand ? actorOf(claim) : (request.actor ?? actorOf(claim));
          result = await store(tx, period, { ...request, actor });
        }
        if (byHand) await recordSignal(tx, input, claim, result);
        return result;
      });
    } catch (error) {
      // A request that would fail each time must not block the requests behind it.
      if (isDatabaseUnavailable(error)) throw error;
      const refused = refuse(`the request can't be stored: ${reasonOf(error)}`);
      if (byHand) await db.transaction((tx) => recordSignal(tx, input, claim, refused));
      return refused;
    }
  };
}

/** Whether the signal was sent by Temporal's own means, and so is not on record yet. */
async function isByHand(
  db: Queryable,
  { month }: AcceptRequestInput,
  { requestId, actor }: Claim,
): Promise<boolean> {
  if (requestId === null || actor === null) return true;
  return !(await isAnnounced(db, { month, requestId, actor }));
}

interface Request extends RequestContent {
  readonly requestId: string;
  /** Whether its sender chose the request id. */
  readonly isNamed: boolean;
  /** As claimed by its sender. */
  readonly actor: string | null;
}

/** Cuts the reason, which may quote the payload, to keep the workflow's history small. */
function refuse(reason: string): AcceptRequestResult {
  return { accepted: false, reason: reason.slice(0, MAX_REASON_LENGTH) };
}

function parseRequest({
  signal,
  payload,
  signalId,
}: AcceptRequestInput): { readonly request: Request } | { readonly reason: string } {
  if (isUndecodable(payload)) {
    return {
      reason: `the payload can't be decoded (${payload.undecodable}): send JSON with the encoding json/plain`,
    };
  }
  const isForce = signal === FORCE_RE_RUN_SIGNAL;
  const parsed = (isForce ? forceReRunPayload : runPayload).safeParse(payload ?? undefined, {
    error: explainIssue,
  });
  if (!parsed.success) return { reason: `the payload is not valid: ${explain(parsed.error)}` };
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
      requestId: requestId ?? idOfSignal(signalId, content),
      isNamed: requestId !== undefined,
      actor: actor ?? null,
    },
  };
}

/**
 * The request id of a signal without one. It includes a hash of the content: after a reset that leaves out signals,
 * another signal may have the same position.
 */
function idOfSignal(signalId: string, content: RequestContent): string {
  return `${signalId}:${requestContentHash(content).toString('hex').slice(0, 8)}`;
}

type ForceReRunPayload = z.infer<typeof forceReRunPayload>;

function explain(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => sayOf(path.join('.'), message)).join('; ');
}

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
  const refusals = tenants.flatMap(({ refusal }) =>
    refusal === null ? [] : refusal.slice(0, MAX_REASON_LENGTH),
  );
  return {
    urgentTenantIds: tenants
      .filter(({ refusal }) => refusal === null)
      .map(({ tenantId }) => tenantId)
      .slice(0, MAX_FORCED_TENANTS),
    refusals: [
      ...refusals.slice(0, MAX_REFUSALS),
      ...(refusals.length > MAX_REFUSALS
        ? [`and ${refusals.length - MAX_REFUSALS} more tenants of request ${requestId}`]
        : []),
    ],
  };
}
