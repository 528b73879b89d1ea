import { expect } from 'vitest';
import type { TenantResult } from '../../src/contracts/month-end-types.ts';
import { nextRun } from '../_util/build.ts';
import { monthText, type Model, type Run } from './model.ts';
import {
  persistInvoices,
  pullLlmUsage,
  quoteSubscriptions,
  recordParked,
} from './month-end-rules.ts';
import { openDrafts } from './opening-rules.ts';
import type { Real } from './real.ts';
import type { Result } from './results.ts';

/** A child workflow's steps, one by one, in the model and in PostgreSQL. */

export const STEPS = [
  'openDrafts',
  'quoteSubscriptions',
  'pullLlmUsage',
  'persistInvoices',
  'recordParked',
] as const;

export function startRun(model: Model, month: number, tenants: readonly string[]): Run {
  const { owner, ownerStartedAt } = nextRun();
  const run = { owner, startedAt: ownerStartedAt, month, tenants, position: 0 };
  const started: Run = { ...run, drafts: [], failed: new Map() };
  model.runs.push(started);
  return started;
}

/** Takes the next steps, up to and without the one at `end`. */
export async function advance(model: Model, real: Real, run: Run, end: number = STEPS.length) {
  while (run.position < Math.min(end, STEPS.length)) await step(model, real, run);
}

async function step(model: Model, real: Real, run: Run): Promise<void> {
  const { activities } = real.world;
  const { owner, drafts } = run;
  const month = monthText(model, run.month);
  const input = {
    month,
    owner,
    drafts: drafts.map(({ tenant, id }) => ({ tenantId: tenant, draftId: id })),
  };
  const isIdle = drafts.length === 0;
  switch (STEPS[run.position]) {
    case 'openDrafts': {
      const opened = await activities.openDrafts({
        month,
        tenantIds: run.tenants,
        owner,
        ownerStartedAt: run.startedAt,
      });
      const draftIds = new Map(opened.drafts.map(({ tenantId, draftId }) => [tenantId, draftId]));
      const expected = openDrafts(model, run, draftIds);
      expect(draftIds).toEqual(new Map(expected.drafts.map(({ tenant, id }) => [tenant, id])));
      expectSame(opened.settled, expected.settled);
      run.drafts = expected.drafts;
      run.failed.clear();
      noteFailures(run, expected.settled);
      break;
    }
    case 'quoteSubscriptions': {
      if (isIdle) break;
      const { parked } = await activities.quoteSubscriptions(input);
      dropFailed(run, parked, quoteSubscriptions(model, run));
      break;
    }
    case 'pullLlmUsage': {
      if (isIdle) break;
      const { parked } = await activities.pullLlmUsage(input);
      dropFailed(run, parked, pullLlmUsage(model, run));
      break;
    }
    case 'persistInvoices': {
      if (isIdle) break;
      const { results } = await activities.persistInvoices(input);
      const expected = persistInvoices(model, run);
      expectSame(results, expected);
      noteFailures(run, expected);
      break;
    }
    case 'recordParked':
    case undefined: {
      for (const [tenantId, type] of run.failed) {
        const failure = { type, reason: 'a test' };
        const recorded = { month, tenantId, failure, owner, upToSeq: 1_000_000_000 };
        const { outcome } = await activities.recordParked(recorded);
        expect(outcome).toBe(recordParked(model, run, tenantId, type).outcome);
      }
      run.failed.clear();
      break;
    }
  }
  run.position += 1;
}

function noteFailures(run: Run, results: readonly Result[]): void {
  for (const { tenant, failure } of results) {
    if (failure !== null) run.failed.set(tenant, failure);
  }
}

function dropFailed(run: Run, actual: readonly TenantResult[], expected: readonly Result[]): void {
  // A tenant is told as often as it has bad subscriptions; the last one counts.
  const last = new Map(actual.map((result) => [result.tenantId, result]));
  expectSame([...last.values()], expected);
  noteFailures(run, expected);
  run.drafts = run.drafts.filter(({ tenant }) => !last.has(tenant));
}

function expectSame(actual: readonly TenantResult[], expected: readonly Result[]): void {
  const told = actual.map((result) =>
    result.outcome === 'parked'
      ? { tenant: result.tenantId, outcome: result.outcome, failure: result.failure.type }
      : 'invoiceId' in result
        ? {
            tenant: result.tenantId,
            outcome: result.outcome,
            invoice: result.invoiceId,
            totalCents: result.totalCents,
          }
        : { tenant: result.tenantId, outcome: result.outcome, failure: null },
  );
  expect(byTenant(told)).toEqual(
    byTenant(
      expected.map(({ tenant, outcome, invoice, note, failure }) =>
        invoice === null
          ? { tenant, outcome, failure }
          : { tenant, outcome, invoice: invoice.id, totalCents: (note ?? invoice).totalCents },
      ),
    ),
  );
}

function byTenant<T extends { readonly tenant: string }>(results: readonly T[]): readonly T[] {
  return results.toSorted((a, b) => (a.tenant < b.tenant ? -1 : 1));
}
