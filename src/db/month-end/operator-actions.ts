import { hash } from 'node:crypto';
import { z } from 'zod';
import { type Page, allOf, sql, textArray } from '../sql.ts';
import { MAX_FORCED_TENANTS } from '../../contracts/request-payload.ts';
import { isStorable } from '../../lib/visible-text.ts';
import type { Queryable } from '../pool.ts';

/** The channels through which an action can be requested. `temporal` is Temporal's Web UI or CLI. */
export const CHANNELS = ['api', 'cli', 'temporal', 'schedule'] as const;

/** An operator's action that is about to run. */
export interface NewOperatorAction {
  /** `key:<label>`, `cli:<user>`, `temporal:<name>` or `schedule`. */
  readonly actor: string;
  /** Null if no API key was used. */
  readonly keyId: string | null;
  readonly channel: (typeof CHANNELS)[number];
  /** An operationId, a command such as `invoices.void`, or a signal. */
  readonly action: string;
  readonly target: object;
  /** Must never contain a key or another secret. */
  readonly input: unknown;
  /** The API's request id, or the id of a signal. */
  readonly requestId: string | null;
}

/** The result of an action. */
export interface ActionAnswer {
  /** refused: because of the request. failed: because of an error in the service. */
  readonly outcome: (typeof ACTION_OUTCOMES)[number];
  /** HTTP status, or the CLI's exit code. */
  readonly status: number;
  readonly detail: string | null;
}

/** How an action ended. */
export const ACTION_OUTCOMES = ['done', 'refused', 'failed'] as const;

/** Longer input is stored as its digest only. */
const MAX_INPUT_BYTES = 8 * 1024;
const MAX_TEXT = 1000;

/**
 * Records an action.
 * @returns the record's id
 */
export function insertOperatorAction(db: Queryable, action: NewOperatorAction): Promise<number> {
  return db.oneFirst(sql.type(actionId)`${inserting(action)} RETURNING action_id`);
}

/**
 * Records a signal or a firing of the Schedule, once for each request id.
 * @returns the record's id; null if the request id is already recorded with an outcome
 */
export function insertActionOnce(
  db: Queryable,
  action: NewOperatorAction & { readonly channel: 'temporal' | 'schedule' },
): Promise<number | null> {
  return db.maybeOneFirst(sql.type(actionId)`
    WITH inserted AS (
      ${inserting(action)}
      ON CONFLICT (channel, request_id) WHERE channel IN ('temporal', 'schedule') DO NOTHING
      RETURNING action_id
    )
    SELECT action_id FROM inserted
    UNION ALL
    SELECT action_id FROM operator_actions
    WHERE channel = ${action.channel} AND request_id = ${action.requestId} AND outcome IS NULL
  `);
}

const actionId = z.object({ action_id: z.number() });

function inserting(action: NewOperatorAction) {
  const input = JSON.stringify(action.input ?? null);
  const bytes = Buffer.byteLength(input);
  const { monthRequest, tenantIds, allTenants, reason, document } = subjectOf(action);
  return sql.fragment`
    INSERT INTO operator_actions
      (actor, key_id, channel, action, target, input, input_sha256, input_bytes, request_id,
        month_request, tenant_ids, all_tenants, reason)
    VALUES (${action.actor}, ${action.keyId}, ${action.channel}, ${action.action},
      ${JSON.stringify(action.target)}::json, ${bytes > MAX_INPUT_BYTES ? null : input}::json,
      ${digestOf(input)}, ${bytes}, ${action.requestId},
      ${monthRequest}, ${tenantIds === null ? tenantOf(document) : textArray(tenantIds)}, ${allTenants}, ${reason})`;
}

/** The tenant of an invoice or adjustment note, as an array; NULL if there is no such document. */
function tenantOf(document: string | null) {
  if (document === null) return sql.fragment`NULL::text[]`;
  const isDocument = z.uuid().safeParse(document).success
    ? sql.fragment`invoice_id = ${document}::uuid`
    : sql.fragment`number = ${document}`;
  return sql.fragment`(SELECT ARRAY[tenant_id::text] FROM invoices WHERE ${isDocument})`;
}

/**
 * Returns the subject of an action, taken from its target and its input, even if the input is too long to be
 * stored. The API, the CLI and signals use the same field names.
 */
function subjectOf({ target, input }: NewOperatorAction) {
  const given: Readonly<Record<string, unknown>> = { ...target, ...(isFields(input) ? input : {}) };
  const textOf = (value: unknown) =>
    typeof value === 'string' && isStorable(value) ? value.slice(0, MAX_TEXT) : null;
  const named = [given.tenant_ids, given.tenant, given.tenant_id].flat();
  const tenantIds = named.flatMap((id) => textOf(id) ?? []).slice(0, MAX_FORCED_TENANTS);
  const month = textOf(given.month);
  const requestId = textOf(given.request_id);
  return {
    monthRequest: month !== null && requestId !== null ? monthRequestOf(month, requestId) : null,
    tenantIds: tenantIds.length > 0 ? tenantIds : null,
    allTenants: given.all === true || (given.force === true && tenantIds.length === 0),
    reason: textOf(given.reason),
    document: DOCUMENT_FIELDS.map((name) => textOf(given[name])).find((id) => id !== null) ?? null,
  };
}

/** Fields that name an invoice or an adjustment note: ids in the API, numbers or ids in the CLI. */
const DOCUMENT_FIELDS = [
  ...['invoice_id', 'adjustment_note_id', 'invoice_number'],
  ...['invoice', 'document'],
];

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the reference to a request for a month, as stored with actions. */
function monthRequestOf(month: string, requestId: string): string {
  return `${month}/${requestId}`;
}

/**
 * Returns whether the channel that a request claims to come from recorded it, with this actor, before it was
 * sent. A signal's payload proves nothing about its sender.
 */
export function isAnnounced(
  db: Queryable,
  request: { readonly month: string; readonly requestId: string; readonly actor: string },
): Promise<boolean> {
  return db.oneFirst(sql.type(z.object({ is_announced: z.boolean() }))`
    SELECT EXISTS (
      SELECT FROM operator_actions
      WHERE month_request = ${monthRequestOf(request.month, request.requestId)}
        AND actor = ${request.actor} AND channel <> 'temporal'
    ) AS is_announced
  `);
}

function digestOf(input: string) {
  return sql.binary(hash('sha256', input, 'buffer'));
}

/** Records the result of an action, which can be set only once. */
export async function answerOperatorAction(
  db: Queryable,
  actionId: number,
  { outcome, status, detail }: ActionAnswer,
): Promise<void> {
  await db.query(sql.typeAlias('nothing')`
    UPDATE operator_actions SET outcome = ${outcome}, status = ${status},
      detail = ${detail?.slice(0, MAX_TEXT) ?? null}
    WHERE action_id = ${actionId}
  `);
}

/** A recorded action, in the format of the API. */
export const operatorActionSchema = z.object({
  action_id: z.int(),
  actor: z.string().meta({ example: 'key:ops' }),
  key_id: z.string().nullable().describe('Of the API key; null for other channels.'),
  channel: z
    .enum(CHANNELS)
    .describe('temporal: a signal, or a start by hand, from its Web UI or CLI.'),
  action: z
    .string()
    .meta({ example: 'voidInvoice' })
    .describe('An operationId, a command such as invoices.void, or a signal.'),
  target: z.unknown().describe('What it was about: parameters of the URL, arguments.'),
  input: z.unknown().describe('The body, or the options; null beyond 8 KiB.'),
  input_sha256: z.string().describe('Of the input as compact JSON, in hexadecimal.'),
  input_bytes: z.int(),
  request_id: z
    .string()
    .nullable()
    .describe("The API's, or a signal's id in the month's workflow."),
  month_request: z
    .string()
    .nullable()
    .describe('The month-end request that it made: the month, a slash, its request_id.')
    .meta({ example: '2026-05/late-usage' }),
  tenant_ids: z
    .array(z.string())
    .nullable()
    .describe('The tenants that it names, or whose invoice it names.'),
  all_tenants: z.boolean().describe('Whether it rebuilds the invoices of all due tenants.'),
  reason: z.string().nullable(),
  requested_at: z.iso.datetime(),
  outcome: z
    .enum(ACTION_OUTCOMES)
    .nullable()
    .describe('Null while the action runs, and permanently if the process died during it.'),
  status: z.int().nullable().describe('HTTP status, or the exit code of the CLI.'),
  detail: z.string().nullable(),
  answered_at: z.iso.datetime().nullable(),
});
export type OperatorAction = z.infer<typeof operatorActionSchema>;

export interface ActionFilters {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  /** Only actions that name this tenant, or an invoice of it. */
  readonly tenantId?: string | undefined;
  readonly outcome?: (typeof ACTION_OUTCOMES)[number] | undefined;
  /** Only actions from this instant on. */
  readonly since?: string | undefined;
}

const SELECT_ACTIONS = sql.fragment`
  SELECT action_id, actor, key_id, channel, action, target, input,
    encode(input_sha256, 'hex') AS input_sha256, input_bytes, request_id,
    month_request, tenant_ids, all_tenants, reason, requested_at, outcome,
    status, detail, answered_at
  FROM operator_actions`;

/** Returns a page of actions, latest first. Pages continue by action_id. */
export function listOperatorActions(
  db: Queryable,
  { actor, action, tenantId, outcome, since }: ActionFilters,
  { after, limit }: Page<number>,
): Promise<readonly OperatorAction[]> {
  return db.any(sql.type(operatorActionSchema)`
    ${SELECT_ACTIONS}
    WHERE ${allOf([
      actor !== undefined && sql.fragment`actor = ${actor}`,
      action !== undefined && sql.fragment`action = ${action}`,
      tenantId !== undefined && sql.fragment`tenant_ids @> ${textArray([tenantId])}`,
      outcome !== undefined && sql.fragment`outcome = ${outcome}`,
      // What the partial index of outcomes asks for.
      outcome !== undefined && outcome !== 'done' && sql.fragment`outcome IS DISTINCT FROM 'done'`,
      since !== undefined && sql.fragment`requested_at >= ${since}::timestamptz`,
      after !== null && sql.fragment`action_id < ${after}`,
    ])}
    ORDER BY action_id DESC LIMIT ${limit}
  `);
}

/** Returns an action; null if it doesn't exist. */
export function showOperatorAction(
  db: Queryable,
  actionId: number,
): Promise<OperatorAction | null> {
  return db.maybeOne(sql.type(operatorActionSchema)`
    ${SELECT_ACTIONS} WHERE action_id = ${actionId}
  `);
}
