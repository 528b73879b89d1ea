import { expect, test } from 'vitest';
import { Markdown, toDetails } from '../../src/contracts/markdown.ts';
import { adviceFor } from '../../src/contracts/failures.ts';
import type { TenantResult } from '../../src/contracts/month-end-types.ts';
import type { StepCounts } from '../../src/workflows/invoice-run.ts';
import { renderTenantDetails } from '../../src/workflows/render-tenant-details.ts';

const NOTHING: StepCounts = {
  subscriptions: 0,
  quotedLines: 0,
  llmRequests: 0n,
  issuedLines: 0,
  total: null,
};
const DONE: StepCounts = {
  subscriptions: 3,
  quotedLines: 12,
  llmRequests: 119n,
  issuedLines: 16,
  total: 'USD 69.85',
};
const rolled = (tenantId: string): TenantResult => ({
  tenantId,
  outcome: 'rolled',
  invoiceId: 'f00d',
  totalCents: 6985,
});
const parked = (tenantId: string, type: string): TenantResult => ({
  tenantId,
  outcome: 'parked',
  failure: { type, reason: 'so it is' },
});

test('a parked tenant has the advice for its type, and how to retry it', () => {
  expect(renderTenantDetails('2026-05', [parked('acme', 'missing_plan_version')], NOTHING)).toBe(
    toDetails(
      [
        '**Invoice of acme for 2026-05**: parked',
        '`missing_plan_version`: so it is',
        `**What to do**: ${adviceFor('missing_plan_version')}`,
        'Then send the signal `run` to `month-end-2026-05`.',
      ].map((source) => new Markdown(source)),
    ),
  );
});

test('how to accept a total is shown only for out_of_bounds', () => {
  const several = [parked('acme', 'missing_plan_version'), parked('rich', 'out_of_bounds')];
  expect(renderTenantDetails('2026-05', several, NOTHING)).toContain('"acceptBounds": true');
  expect(renderTenantDetails('2026-05', several.slice(0, 1), NOTHING)).not.toContain(
    'acceptBounds',
  );
});

test('a finished invoice shows what each step did', () => {
  expect(renderTenantDetails('2026-05', [rolled('acme')], DONE)).toBe(
    toDetails(
      [
        '**Invoice of acme for 2026-05**: invoiced, invoice id `f00d`',
        '3 subscriptions quoted (12 lines), 119 LLM requests, 16 lines, USD 69.85',
      ].map((source) => new Markdown(source)),
    ),
  );
  const one = { ...DONE, subscriptions: 1, quotedLines: 1, llmRequests: 1n, issuedLines: 1 };
  expect(renderTenantDetails('2026-05', [rolled('acme')], one)).toContain(
    '1 subscription quoted (1 line), 1 LLM request, 1 line, USD 69.85',
  );
});

test('an adjustment note names the invoice that it adjusts', () => {
  const adjusted: TenantResult = {
    ...{ tenantId: 'acme', outcome: 'adjusted', totalCents: -330 },
    ...{ invoiceId: 'f00d', noteId: 'beef' },
  };
  const details = renderTenantDetails('2026-05', [adjusted], { ...DONE, total: 'USD -3.30' });
  expect(details).toContain(
    '**Invoice of acme for 2026-05**: adjusted, adjustment note id `beef`, of invoice id `f00d`',
  );
  expect(details).toContain('16 lines, USD -3.30');
});

test('several invoices share their counts, and show no total', () => {
  const details = renderTenantDetails('2026-05', [rolled('acme'), rolled('globex')], DONE);
  expect(details).toContain('3 subscriptions quoted (12 lines), 119 LLM requests, 16 lines');
  expect(details).not.toContain('69.85');
});

test('a skipped invoice shows no steps', () => {
  const skipped: TenantResult = { ...rolled('acme'), outcome: 'skipped' } as TenantResult;
  expect(renderTenantDetails('2026-05', [skipped], NOTHING)).not.toContain('quoted');
});
