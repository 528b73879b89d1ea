import type { PrintableInvoice } from '../src/cli/render/invoice-text.ts';
import type { TenantOutcome } from '../src/db/month-end/outcome-views.ts';
import type { Month } from '../src/domain/period.ts';
import { sumCharges } from '../src/cli/replay/replay-summary.ts';
import type { LlmUsageEvent } from '../src/cli/replay/trace-events.ts';

/** The worked example of docs/spec.md#the-quote. */
export const STUDIO_TENANT = 'harbour-studio';
/** Billed in another currency than its plan, so it must be parked. */
export const BROKEN_TENANT = 'southern-cross';

/** The demo had another result than expected. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual === expected) return;
  throw new DemoError(`${what}: expected ${String(expected)}, got ${String(actual)}`);
}

/** Checks that every due tenant has an invoice, except for the one with broken data. */
export function checkOutcomes(outcomes: readonly TenantOutcome[], tenants: number): void {
  expectEqual('Tenants due', outcomes.length, tenants);
  for (const { tenant_id, outcome, number } of outcomes) {
    const isBroken = tenant_id === BROKEN_TENANT;
    const isAsExpected = isBroken ? outcome === 'parked' : outcome !== 'parked' && number !== null;
    if (!isAsExpected) throw new DemoError(`${tenant_id} is ${outcome ?? 'not processed'}`);
  }
}

/** Checks the Studio invoice: $57.50 recurring, $5.00 and $1.00 overage, GST on the subtotal. */
export function checkStudio({
  lines,
  subtotal_cents,
  tax_cents,
  total_cents,
}: PrintableInvoice): void {
  const amounts = lines.map((line) => `${line.resource_kind ?? line.kind} ${line.amount_cents}`);
  expectEqual(
    'Lines of the Studio invoice',
    amounts.join(', '),
    'plan_base 5000, spaces_gb_month 750, llm_tokens 500, spaces_gb_month 100, tax 635',
  );
  expectEqual('Studio subtotal', subtotal_cents, 6350);
  expectEqual('Studio GST', tax_cents, 635);
  expectEqual('Studio total', total_cents, 6985);
}

/** Checks that the LLM line of each deployment is exactly the sum of the gateway's charges. */
export function checkLlmLines(invoice: PrintableInvoice, events: readonly LlmUsageEvent[]): void {
  const charged = Map.groupBy(
    events.filter(({ tenant_id }) => tenant_id === invoice.tenant_id),
    ({ deployment_id }) => deployment_id,
  );
  // Late usage of an earlier month has separate lines.
  const lines = invoice.lines.filter(
    ({ kind, meta }) => kind === 'llm_usage' && meta.service_month === undefined,
  );
  expectEqual(`LLM lines of ${invoice.number}`, lines.length, charged.size);
  for (const { deployment_id, meta } of lines) {
    const expected = sumCharges(charged.get(deployment_id ?? '') ?? []);
    expectEqual(`LLM usage of ${deployment_id}`, meta.exact_cents, expected);
  }
}

/** Checks that the Schedule closed the month of the usage. */
export function checkMonth(actual: Month, expected: Month): void {
  expectEqual('The month that the Schedule closed', actual, expected);
}
