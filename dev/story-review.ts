import { renderTable } from '../src/cli/render/text-table.ts';
import type { InvoiceHeader } from '../src/db/invoices/invoice-views.ts';
import { formatAmount, formatMoney } from '../src/domain/format.ts';
import { DemoError, expectEqual } from './demo-checks.ts';
import { exact } from './story-figures.ts';
import { CURRENCY, ODD_TENANT, type Story, type Told } from './story-world.ts';

/** A month under review: looked through, corrected, and released to its tenants. */

/** What `demo/seller.json` gives customers to pay. */
const PAYMENT_DAYS = 14;
/** How many of the largest invoices the review shows. */
const SHOWN = 4;

/** Compares all invoices with their figures, and shows the largest ones. */
export async function lookThrough(story: Story): Promise<Told> {
  const { month, tenantIds } = story.start;
  const expected = story.total();
  const { waiting, totals } = await story.operator.review(month);
  expectEqual('Invoices that wait for their release', waiting, tenantIds.length);
  expectEqual('Their total', Number(totals[0]?.total_cents), expected.total);
  const invoices = await story.checkInvoices();
  const tenant = await story.asTenant(ODD_TENANT);
  expectEqual(`Invoices that ${ODD_TENANT} sees`, (await tenant.invoices(month)).length, 0);
  const largest = invoices.toSorted((a, b) => b.total_cents - a.total_cents).slice(0, SHOWN);
  return {
    text: [
      `The seller reviews invoices: ${waiting} of them, ${formatMoney(expected.total, CURRENCY)}, wait for their release.`,
      `Until then they don't exist for their tenants: ${ODD_TENANT} asks for its invoices and gets none.`,
      'The largest ones:',
      renderInvoices(largest),
    ].join('\n'),
  };
}

/** Finds the LLM request that makes an invoice too large. */
export async function findOddEvent(story: Story): Promise<Told> {
  const { oddEvent } = story.start;
  const invoice = await story.operator.invoice((await story.invoiceOf(ODD_TENANT)).invoice_id);
  const line = invoice.lines.find(({ kind }) => kind === 'llm_usage');
  if (!line) throw new DemoError(`${invoice.number} has no line of LLM usage`);
  const events = await story.operator.eventsOf(invoice.invoice_id, line.line_no);
  const [first, second] = events.toSorted((a, b) => (exact(a.amount) < exact(b.amount) ? 1 : -1));
  if (!first || !second) throw new DemoError(`${invoice.number} has too few LLM requests`);
  expectEqual('The largest LLM request', first.event_id, oddEvent.gateway_request_id);
  expectEqual('Its charge', exact(first.amount), exact(oddEvent.charge_cents));
  const charge = (cents: string) => formatMoney(Number(exact(cents) / 10n ** 12n), CURRENCY);
  return {
    text: [
      `${invoice.number} has a line "LLM usage" of ${formatMoney(line.amount_cents, CURRENCY)} for ${events.length} requests.`,
      `One of them, ${first.event_id}, costs ${charge(first.amount)}; the next one ${charge(second.amount)}.`,
      'The gateway confirms that it charged 10,000 times too much.',
    ].join('\n'),
  };
}

/** Excludes it and has the invoice rebuilt. */
export async function correctInvoice(story: Story): Promise<Told> {
  const { month, oddEvent } = story.start;
  const before = await story.invoiceOf(ODD_TENANT);
  await story.operator.exclude(oddEvent.gateway_request_id, 'charged 10,000 times too much');
  await story.operator.force(month, ODD_TENANT, {
    reason: 'a wrong charge is excluded',
    acceptBounds: true,
  });
  story.usage = {
    ...story.usage,
    events: story.usage.events.filter((event) => event !== oddEvent),
  };
  const after = await story.invoiceOf(ODD_TENANT);
  expectEqual('The revision replaces', after.replaces_invoice_id, before.invoice_id);
  await story.checkInvoices();
  return {
    text: [
      'The request stays in the ledger, visibly excluded. No tenant has seen the first invoice.',
      'A total below a tenth of the last one parks the tenant, unless the rerun accepts it, as here.',
      renderInvoices([before, after]),
    ].join('\n'),
  };
}

/** Shows the month to its tenants. */
export async function releaseMonth(story: Story): Promise<Told> {
  const { month, tenantIds } = story.start;
  const released = await story.operator.release(month, 'reviewed');
  expectEqual('Released invoices', released.released_invoices, tenantIds.length);
  expectEqual('Invoices that still wait', released.waiting_invoices, 0);
  const seen = await (await story.asTenant(ODD_TENANT)).invoices(month);
  expectEqual(`Invoices that ${ODD_TENANT} sees`, seen.length, 1);
  const [invoice] = seen;
  const expected = story.figures(ODD_TENANT);
  expectEqual('What it sees', invoice?.total_cents, expected.total);
  const dueOn = daysAfter(invoice?.issued_on ?? '', PAYMENT_DAYS);
  expectEqual('Its due date', invoice?.due_on, dueOn);
  return {
    text: [
      `All ${released.released_invoices} tenants see their invoices now; webhooks and documents go out.`,
      `${ODD_TENANT} sees ${invoice?.number}: ${formatMoney(expected.total, CURRENCY)}, due on ${dueOn}.`,
    ].join('\n'),
  };
}

function renderInvoices(invoices: readonly InvoiceHeader[]): string {
  return renderTable(
    [
      { head: 'invoice', value: ({ number }) => number },
      { head: 'rev', align: 'right', value: ({ revision }) => revision },
      { head: 'status', value: ({ status }) => status },
      {
        head: 'total',
        align: 'right',
        value: ({ total_cents }) => formatAmount(total_cents, CURRENCY),
      },
    ],
    invoices,
  );
}

/** Returns the date that is so many days after another. */
function daysAfter(date: string, days: number): string {
  return new Date(Date.parse(date) + days * 86_400_000).toISOString().slice(0, 'YYYY-MM-DD'.length);
}
