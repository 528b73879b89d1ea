import { hash } from 'node:crypto';
import { findUnknown } from '../../db/named-things.ts';
import type { Queryable } from '../../db/pool.ts';
import { insertQuarantined, type QuarantineRow } from '../../db/usage/quarantine.ts';
import { isCurrency } from '../../domain/currency.ts';
import { isDecimalString } from '../../domain/decimal.ts';
import type { QuarantineReason } from '../../domain/quarantine.ts';
import type { JsonObject, JsonValue } from '../../domain/types.ts';
import { isStorable } from '../../lib/visible-text.ts';
import { parseEvent } from '../check-event.ts';
import { parseUtcInstant } from '../instant.ts';
import { LLM_USAGE } from '../llm-event.ts';
import type { UsageResult } from '../results.ts';

/** An event that the ledger can't take (docs/spec.md#quarantine). */
export interface HeldEvent {
  /** The event's id in the ledger; for one without, see {@link digestOf}. */
  readonly sourceId: string;
  readonly reason: QuarantineReason;
  /** The reason in a sentence. */
  readonly detail: string;
  /** The fields of an `LlmUsageEvent`, as far as they could be read. Nothing else of the event is stored. */
  readonly fields: JsonObject;
}

/** Events that are inserted together; limits the size of a statement. */
const CHUNK_EVENTS = 1_000;
/** Longest text that is kept. A valid event has no text of this length. */
const MAX_TEXT = 1_000;
/** Longest id in a column: an index can't contain a much longer one. */
const MAX_ID = 200;

/**
 * Puts events into quarantine. Resent events add nothing, whatever has become of them since.
 * @param gatewayKeyId the key that sent them
 * @param events with the reasons that `nameUnknownTenants` returns
 * @returns the number of new ones, once committed
 */
export async function hold(
  db: Queryable,
  gatewayKeyId: string | null,
  events: readonly HeldEvent[],
): Promise<number> {
  let added = 0;
  for (let from = 0; from < events.length; from += CHUNK_EVENTS) {
    const rows = events.slice(from, from + CHUNK_EVENTS).map(toRow);
    added += await insertQuarantined(db, gatewayKeyId, rows);
  }
  return added;
}

/**
 * Returns an event that the ledger refused as one to hold.
 * @param event as it was given to `Ingestion.ingest`
 * @param now decides on which side of the time bounds it is
 */
export function toHeld(
  event: JsonObject,
  refusal: Extract<UsageResult, { readonly reason: string }>,
  now: Date,
): HeldEvent {
  const { gateway_request_id: id } = event;
  return {
    sourceId: typeof id === 'string' && id !== '' ? id : digestOf(JSON.stringify(event)),
    reason: reasonOf(event, refusal, now),
    detail: refusal.reason,
    fields: event,
  };
}

/** Returns the id of an event that has none: the digest of its text. */
export function digestOf(text: string): string {
  return `sha256:${hash('sha256', text)}`;
}

const IDS: readonly string[] = ['/tenant_id', '/deployment_id'];

function reasonOf(
  event: JsonObject,
  refusal: Extract<UsageResult, { readonly reason: string }>,
  now: Date,
): QuarantineReason {
  if (refusal.status === 'conflict') return 'conflict';
  if (refusal.status !== 'rejected') return 'malformed';
  const pointers = refusal.errors?.map(({ pointer }) => pointer) ?? [];
  const parsed = parseEvent(LLM_USAGE.schema, event);
  if (!parsed.ok) {
    // No tenant or deployment has such an id; it is as unknown as one that is well formed.
    const isOfIds = pointers.every((pointer) => IDS.includes(pointer));
    if (!isOfIds) return 'malformed';
    return pointers.includes('/tenant_id') ? 'unknown_tenant' : 'unknown_deployment';
  }
  const [pointer] = pointers;
  if (pointer === '/deployment_id') return 'unknown_deployment';
  if (pointer === '/currency') return 'wrong_currency';
  if (pointer !== '/occurred_at') return 'malformed';
  return parsed.event.occurred_at.epochMs > now.getTime() ? 'too_early' : 'too_old';
}

function toRow({ sourceId, reason, detail, fields }: HeldEvent): QuarantineRow {
  const kept = storable(fields) as JsonObject;
  const sorted = Object.fromEntries(Object.entries(kept).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    sourceId: sourceId.length > MAX_ID ? digestOf(sourceId) : storableText(sourceId),
    contentHash: hash('sha256', JSON.stringify(sorted)),
    reason,
    detail: storableText(detail),
    fields: kept,
    tenantId: textOf(kept.tenant_id),
    deploymentId: textOf(kept.deployment_id),
    model: textOf(kept.model),
    occurredAt: textOf(kept.occurred_at, (text) => parseUtcInstant(text)?.stored),
    chargeCents: textOf(kept.charge_cents, (text) => (isDecimalString(text) ? text : undefined)),
    currency: textOf(kept.currency, (text) => (isCurrency(text) ? text : undefined)),
  };
}

function textOf(
  value: JsonValue | undefined,
  read: (text: string) => string | undefined = (text) => storableText(text, MAX_ID),
): string | null {
  return typeof value === 'string' ? (read(value) ?? null) : null;
}

/** Returns a copy whose texts PostgreSQL can store: an event must not be lost because of a character. */
function storable(value: JsonValue): JsonValue {
  if (typeof value === 'string') return storableText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(storable);
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [storableText(name), storable(field)]),
  );
}

function storableText(text: string, maxLength = MAX_TEXT): string {
  const short = text.slice(0, maxLength);
  return isStorable(short) ? short : short.toWellFormed().replaceAll('\0', '\ufffd');
}

/** Tells events of an unknown tenant from those of a known one that doesn't have the deployment. */
export async function nameUnknownTenants<Held extends HeldEvent>(
  db: Queryable,
  events: readonly Held[],
): Promise<readonly Held[]> {
  const unsure = events.flatMap(({ reason, fields }) =>
    reason === 'unknown_deployment' && typeof fields.tenant_id === 'string' ? fields.tenant_id : [],
  );
  if (unsure.length === 0) return events;
  const unknown = new Set(await findUnknown(db, 'tenant', [...new Set(unsure)]));
  return events.map((event) => {
    const { tenant_id: tenantId } = event.fields;
    if (event.reason !== 'unknown_deployment' || typeof tenantId !== 'string') return event;
    if (!unknown.has(tenantId)) return event;
    return { ...event, reason: 'unknown_tenant', detail: `there is no tenant ${tenantId}` };
  });
}
