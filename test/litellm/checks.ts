import { z } from 'zod';
import type { Database } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { runCli } from '../cli/_run-cli.ts';
import type { Answered } from './requests.ts';
import { sumSpend, type Spend, type SpendRow } from './own-spend.ts';
import { DEPLOYMENT_OF, type LitellmWorld } from './world.ts';

/** What is wrong, in sentences; none: nothing. */
export type Complaints = string[];

const ledgerSum = z.object({ deployment: z.string(), requests: z.number(), cents: z.string() });

/** Sums of the ledger by deployment: from the events, and from the buckets that invoices are made of. */
export async function readLedger(db: Database) {
  const [events, buckets] = await Promise.all([
    db.any(sql.type(ledgerSum)`
      SELECT deployment_id AS deployment, count(*) AS requests, trim_scale(sum(charge_cents)) AS cents
      FROM llm_usage_events GROUP BY 1`),
    db.any(sql.type(ledgerSum)`
      SELECT deployment_id AS deployment, sum(event_count)::bigint AS requests, trim_scale(sum(total)) AS cents
      FROM usage_buckets WHERE source = 'llm' GROUP BY 1`),
  ]);
  const byDeployment = (rows: typeof events) =>
    new Map(rows.map(({ deployment, requests, cents }) => [deployment, { requests, cents }]));
  return { events: byDeployment(events), buckets: byDeployment(buckets) };
}

export function deploymentOf({ keyHash }: SpendRow): string {
  return DEPLOYMENT_OF.get(keyHash) ?? `key ${keyHash}`;
}

/** Compares the ledger's sums with LiteLLM's own spend, to the twelfth decimal of a cent. */
export async function compareSums(
  db: Database,
  rows: readonly SpendRow[],
  except: ReadonlySet<string>,
  complaints: Complaints,
): Promise<ReadonlyMap<string, Spend>> {
  const own = sumSpend(rows, deploymentOf);
  const { events, buckets } = await readLedger(db);
  for (const deployment of new Set([...own.keys(), ...events.keys(), ...buckets.keys()])) {
    if (except.has(deployment)) continue;
    const expected = own.get(deployment);
    for (const [name, ledger] of Object.entries({ events, buckets })) {
      const found = ledger.get(deployment);
      if (found?.cents === expected?.cents && found?.requests === expected?.requests) continue;
      complaints.push(
        `${deployment}: LiteLLM's own spend is ${JSON.stringify(expected)}, the ledger's ${name} ` +
          `have ${JSON.stringify(found)}`,
      );
    }
  }
  return own;
}

/**
 * Compares LiteLLM's log with what it told its clients: each answer is in the log, with its cost.
 * @returns the number of costs compared
 */
export function compareAnswers(
  answers: readonly Answered[],
  rows: readonly SpendRow[],
  complaints: Complaints,
): number {
  const byCall = Map.groupBy(rows, ({ callId }) => callId);
  let compared = 0;
  for (const { kind, status, callId, cost } of answers) {
    if (status !== 200) continue;
    const found = byCall.get(callId ?? '') ?? [];
    if (found.length === 0) complaints.push(`${kind} ${callId ?? ''} is not in LiteLLM's log`);
    // A cache hit is free; LiteLLM may tell the client what it saved.
    if (cost === null || found.some(({ cacheHit }) => cacheHit)) continue;
    compared += 1;
    // A client may use a call id twice.
    if (found.some(({ spend }) => Number(spend) === Number(cost))) continue;
    complaints.push(`${kind} ${callId ?? ''} costs ${cost}, in the log ${JSON.stringify(found)}`);
  }
  return compared;
}

/** Runs a command of the CLI with `--json`. */
export async function runCommand(
  { env, keyFile, teamFile }: LitellmWorld,
  args: readonly string[],
  { withKeys = false }: { readonly withKeys?: boolean } = {},
): Promise<{ readonly code: number | null; readonly result: unknown }> {
  const keys = withKeys ? ['--keys', keyFile, '--teams', teamFile] : [];
  const { code, stdout, stderr } = await runCli(['--json', ...args, ...keys], env);
  if (stdout === '') throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`);
  return { code, result: JSON.parse(stdout) as unknown };
}

const finding = z.object({ requests: z.number(), charge_cents: z.string() });
export const reconciliation = z.object({
  equal: z.number(),
  missing: finding,
  quarantined: finding,
  unlogged: finding,
  different: z.object({ requests: z.number(), examples: z.array(z.unknown()) }),
  unreadable: z.object({ requests: z.number(), examples: z.array(z.unknown()) }),
  without_cost: z.record(z.string(), z.number()),
});

export const sentLog = z.object({
  unreadable: z.number(),
  counts: z.object({
    accepted: z.number(),
    duplicates: z.number(),
    conflicts: z.number(),
    unpriced: z.number(),
    quarantined: z.number(),
  }),
});
