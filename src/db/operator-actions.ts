import { hash } from 'node:crypto';
import { z } from 'zod';
import type { Page } from './page.ts';
import type { Queryable } from './pool.ts';
import { sql } from './sql.ts';

/** An operator's action, as it is about to be done. */
export interface NewOperatorAction {
  /** `key:<label>` or `cli:<user>`. */
  readonly actor: string;
  /** Null where no API key was used. */
  readonly keyId: string | null;
  readonly channel: 'api' | 'cli';
  /** An operationId, or a command such as `invoices.void`. */
  readonly action: string;
  readonly target: object;
  /** Never with a key or another secret in it. */
  readonly input: unknown;
  readonly requestId: string | null;
}

/** What came of an action. */
export interface ActionAnswer {
  /** refused: for a reason that lies in the request. failed: for one that lies here. */
  readonly outcome: 'done' | 'refused' | 'failed';
  /** HTTP status, or the CLI's exit code. */
  readonly status: number;
  readonly detail: string | null;
}

/** What is longer is kept as its digest. */
const MAX_INPUT_BYTES = 8 * 1024;
const MAX_DETAIL = 1000;

/** Puts an action on record. @returns the record's id */
export function insertOperatorAction(db: Queryable, action: NewOperatorAction): Promise<number> {
  const input = JSON.stringify(action.input ?? null);
  const bytes = Buffer.byteLength(input);
  return db.oneFirst(sql.type(z.object({ action_id: z.number() }))`
    INSERT INTO operator_actions
      (actor, key_id, channel, action, target, input, input_sha256, input_bytes, request_id)
    VALUES (${action.actor}, ${action.keyId}, ${action.channel}, ${action.action},
      ${JSON.stringify(action.target)}::json, ${bytes > MAX_INPUT_BYTES ? null : input}::json,
      ${sql.binary(hash('sha256', input, 'buffer'))}, ${bytes}, ${action.requestId})
    RETURNING action_id
  `);
}

/** Adds what came of it, which can be done once. */
export async function answerOperatorAction(
  db: Queryable,
  actionId: number,
  { outcome, status, detail }: ActionAnswer,
): Promise<void> {
  await db.query(sql.typeAlias('nothing')`
    UPDATE operator_actions SET outcome = ${outcome}, status = ${status},
      detail = ${detail?.slice(0, MAX_DETAIL) ?? null}
    WHERE action_id = ${actionId}
  `);
}

/** An action on record, as it is served. */
export const operatorActionSchema = z.object({
  action_id: z.int(),
  actor: z.string().meta({ example: 'key:ops' }),
  key_id: z.string().nullable().describe('Null for the CLI.'),
  channel: z.enum(['api', 'cli']),
  action: z
    .string()
    .meta({ example: 'voidInvoice' })
    .describe('An operationId, or a command such as invoices.void.'),
  target: z.unknown().describe('What it was about: parameters of the URL, arguments.'),
  input: z.unknown().describe('The body, or the options; null beyond 8 KiB.'),
  input_sha256: z.string().describe('Of the input as compact JSON, in hexadecimal.'),
  input_bytes: z.int(),
  request_id: z.string().nullable(),
  requested_at: z.iso.datetime(),
  outcome: z
    .enum(['done', 'refused', 'failed'])
    .nullable()
    .describe('Null while it is being done, and for good where the process died meanwhile.'),
  status: z.int().nullable().describe('HTTP status, or the exit code of the CLI.'),
  detail: z.string().nullable(),
  answered_at: z.iso.datetime().nullable(),
});
export type OperatorAction = z.infer<typeof operatorActionSchema>;

export interface ActionFilters {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  /** An instant; the actions from then on. */
  readonly since?: string | undefined;
}

/** Actions, the latest first; pages are by action_id. */
export function listOperatorActions(
  db: Queryable,
  {
    actor = null,
    action = null,
    since = null,
  }: { [K in keyof ActionFilters]: ActionFilters[K] | null },
  { after, limit }: Page<number>,
): Promise<readonly OperatorAction[]> {
  return db.any(sql.type(operatorActionSchema)`
    SELECT action_id, actor, key_id, channel, action, target, input,
      encode(input_sha256, 'hex') AS input_sha256, input_bytes, request_id, requested_at, outcome,
      status, detail, answered_at
    FROM operator_actions
    WHERE (${actor}::text IS NULL OR actor = ${actor})
      AND (${action}::text IS NULL OR action = ${action})
      AND (${since}::timestamptz IS NULL OR requested_at >= ${since})
      AND (${after}::bigint IS NULL OR action_id < ${after})
    ORDER BY action_id DESC LIMIT ${limit}
  `);
}
