import { appendMeteredRows, appendLlmRows } from '../db/usage/append-usage.ts';
import type { Database, Transaction } from '../db/pool.ts';
import { findArchivedIds } from '../db/usage/usage-archive.ts';
import {
  insertMeteredRecords,
  readReplaceable,
  insertLlmEvents,
} from '../db/usage/usage-ledger.ts';
import { append, type Inserted } from './append.ts';
import { archivedRecord, planCorrections, unknownRecord, type Correction } from './corrections.ts';
import { METERED_USAGE, type MeteredEntry } from './metered-record.ts';
import { rejected, retryLater, type UsageResult } from './results.ts';
import { LLM_USAGE, type LlmEntry } from './llm-event.ts';

/**
 * Stores LLM events, usually with one statement.
 * @returns a result per event, in order, once committed
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

/**
 * Stores metered records, usually with one statement, and then corrections.
 * @returns a result per record, in order, once committed
 */
export function appendMeteredRecords(
  db: Database,
  records: readonly MeteredEntry[],
): Promise<readonly UsageResult[]> {
  return append(db, records, {
    source: METERED_USAGE.source,
    idField: METERED_USAGE.idField,
    isPlain: ({ replaces }) => replaces === null,
    appendPlain: appendMeteredRows,
    insert: insertInWaves,
  });
}

type Located = MeteredEntry & { readonly bucketId: number };

/**
 * Inserts plain records first, then the corrections whose record is stored by then, and so on, because what a
 * correction adds depends on the stored record. All corrections of a record need the lock of the same bucket,
 * which the caller holds, so nothing changes between reading the record and the insert.
 */
async function insertInWaves(tx: Transaction, records: readonly Located[]): Promise<Inserted> {
  const accepted = new Set<string>();
  const refused = new Map<string, UsageResult>();
  const insert = async (rows: Parameters<typeof insertMeteredRecords>[1]) => {
    if (rows.length === 0) return;
    for (const id of await insertMeteredRecords(tx, rows)) accepted.add(id);
  };

  const plain = records.filter(({ replaces }) => replaces === null);
  await insert(plain.map((record) => ({ ...record, addedQty: record.qty })));

  let waiting = records.filter(
    (record): record is Located & Correction => record.replaces !== null,
  );
  while (waiting.length > 0) {
    const stored = await readReplaceable(
      tx,
      waiting.map(({ replaces }) => replaces),
    );
    const plan = planCorrections(waiting, stored);
    for (const { id, reason } of plan.refused) refused.set(id, rejected(reason));
    if (plan.ready.length === 0) {
      const archived = await findArchivedIds(
        tx,
        'metered',
        plan.waiting.map(({ replaces }) => replaces),
      );
      for (const { id, replaces } of plan.waiting) {
        const isArchived = archived.includes(replaces);
        refused.set(
          id,
          isArchived ? rejected(archivedRecord(replaces)) : retryLater(unknownRecord(replaces)),
        );
      }
      break;
    }
    await insert(plan.ready);
    waiting = plan.waiting;
  }
  return { accepted, refused };
}
