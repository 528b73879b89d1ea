import type { QuerySqlToken } from 'slonik';
import { z } from 'zod';
import type { Queryable } from '../../src/db/pool.ts';

/** A node of a plan, as `EXPLAIN (FORMAT JSON)` tells it. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Alias?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly PlanNode[];
}

const explained = z.object({
  'QUERY PLAN': z.tuple([z.object({ Plan: z.custom<PlanNode>(() => true) })]),
});

/** Whether a query is a statement that has a plan, after a comment or not. */
export function hasPlan({ sql }: QuerySqlToken): boolean {
  return /^\s*(?:\/\*.*\*\/\s*)?(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b/.test(sql);
}

/** The plan of a query, with the values that it was asked with. */
export async function planOf(db: Queryable, query: QuerySqlToken): Promise<PlanNode> {
  const explain = { ...query, sql: `EXPLAIN (FORMAT JSON) ${query.sql}`, parser: explained };
  const { 'QUERY PLAN': plan } = await db.one(explain);
  return plan[0].Plan;
}

/**
 * Indexes of few rows, however much was billed: drafts that are open or given up, items that wait, live invoices that are
 * void, events that are held in quarantine, and parked tenants.
 */
const PARTIAL_INDEXES = [
  'invoice_drafts_one_open',
  'invoice_drafts_unfinished',
  'invoice_items_unbilled',
  'invoices_void',
  'quarantined_events_awaiting',
  'quarantined_events_held',
  'quarantined_events_held_by_time',
  'tenant_outcomes_parked',
];

/**
 * The tables that a plan reads from end to end, each once: by a sequential scan, or by all of an index.
 * An index in its order right below a limit stops early.
 */
export function wholeScansOf(plan: PlanNode): readonly string[] {
  return [...new Set(scansOf(plan))].sort();
}

function scansOf(node: PlanNode): readonly string[] {
  const { 'Node Type': type, Plans: children = [] } = node;
  const below = type === 'Limit' ? children.filter((child) => !isIndexScan(child)) : children;
  return [...(isWhole(node) ? [node['Relation Name'] ?? type] : []), ...below.flatMap(scansOf)];
}

/** Which index a bitmap comes from is said by its child, which has a condition. */
function isWhole(node: PlanNode): boolean {
  if (node['Node Type'] === 'Seq Scan') return true;
  return (
    isIndexScan(node) &&
    node['Index Cond'] === undefined &&
    !PARTIAL_INDEXES.includes(node['Index Name'] ?? '')
  );
}

/** The conditions of all index scans of a table in a plan; null: none. */
export function indexConditionsOf(plan: PlanNode, table: string): readonly (string | null)[] {
  const { Plans: children = [] } = plan;
  const own = isIndexScan(plan) && plan['Relation Name'] === table;
  const bitmap = plan['Node Type'] === 'Bitmap Index Scan' && plan['Index Name']?.startsWith(table);
  return [
    ...(own || bitmap === true ? [plan['Index Cond'] ?? null] : []),
    ...children.flatMap((child) => indexConditionsOf(child, table)),
  ];
}

function isIndexScan({ 'Node Type': type }: PlanNode): boolean {
  return type.startsWith('Index ');
}
