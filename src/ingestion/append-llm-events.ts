import { appendLlmRows } from '../db/usage/append-usage.ts';
import type { Database } from '../db/pool.ts';
import { insertLlmEvents } from '../db/usage/usage-ledger.ts';
import { append } from './append.ts';
import { LLM_USAGE, type LlmEntry } from './llm-event.ts';
import type { UsageResult } from './results.ts';

/**
 * Stores LLM events, mostly by one statement.
 * @returns a result per event, in order, committed
 */
export function appendLlmEvents(
  db: Database,
  events: readonly LlmEntry[],
): Promise<readonly UsageResult[]> {
  return append(db, events, {
    source: LLM_USAGE.source,
    idField: LLM_USAGE.idField,
    isPlain: () => true,
    appendPlain: appendLlmRows,
    insert: async (tx, fresh) => ({
      accepted: new Set(await insertLlmEvents(tx, fresh)),
      refused: new Map(),
    }),
  });
}
