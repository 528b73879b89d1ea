import type { RunningMonthJson } from '../../audit/running-month-json.ts';
import { plainLineText, type LineText } from '../../display/line-text.ts';
import { humanise } from '../../display/names.ts';
import { totalRows } from '../../display/tax-text.ts';
import { Decimal } from '../../domain/decimal.ts';
import { counted, formatAmount, formatMoney, groupDigits } from '../../domain/format.ts';
import { TOTAL_COLUMNS } from './invoice-text.ts';
import { style } from './styled-text.ts';
import { indent, renderTable, type Column } from './text-table.ts';

type Deployment = RunningMonthJson['deployments'][number];
type Kind = Deployment['kinds'][number];
type Invoice = NonNullable<RunningMonthJson['invoice_so_far']>;
type Line = Invoice['lines'][number];

/** What a tenant has used in the running month, and the invoice so far, as plain text. */
export function renderRunningMonth(running: RunningMonthJson): string {
  const { tenant_id, currency, as_of, period, invoice_so_far: invoice } = running;
  return [
    style('bold', `${period.month} · ${tenant_id}`),
    `As of ${as_of}: ${percentOf(period.elapsed)} of the month has passed.`,
    '',
    indent(renderTable(KINDS, running.deployments.flatMap(rowsOf), 'No metered usage.')),
    ...renderLlm(running),
    '',
    ...(invoice === null
      ? [`No invoice can be composed: ${running.problem?.reason ?? ''}`]
      : [
          style('bold', 'Invoice so far'),
          indent(renderTable(LINES, withTexts(invoice, currency), 'Nothing to bill.')),
          indent(renderTable(TOTAL_COLUMNS, totalRows(taxed(invoice, currency)))),
          '',
          sayProjection(running),
        ]),
    ...(running.includes_earlier_months
      ? []
      : [
          "Late usage, charges and credits of earlier months are not included: last month's invoice is not released.",
        ]),
  ].join('\n');
}

const KINDS: readonly Column<{ readonly deploymentId: string; readonly kind: Kind }>[] = [
  { head: 'deployment', value: ({ deploymentId }) => deploymentId },
  { head: 'usage', value: ({ kind }) => kind.name ?? humanise(kind.resource_kind) },
  { head: 'used', align: 'right', value: ({ kind }) => groupDigits(kind.used) },
  { head: 'included', align: 'right', value: ({ kind }) => quantity(kind.allowance) },
  { head: 'beyond', align: 'right', value: ({ kind }) => quantity(kind.overage) },
  { head: 'projected', align: 'right', value: ({ kind }) => rounded(kind.projected_used) },
  { head: 'beyond', align: 'right', value: ({ kind }) => rounded(kind.projected_overage) },
];

function rowsOf({ deployment_id: deploymentId, kinds }: Deployment) {
  return kinds.map((kind) => ({ deploymentId, kind }));
}

function quantity(qty: string | null): string | null {
  return qty === null ? null : groupDigits(qty);
}

/** Projections are estimates, so they need no more than 2 decimals. */
function rounded(qty: string | null): string | null {
  return qty === null ? null : groupDigits(new Decimal(qty).toDecimalPlaces(2).toFixed());
}

function renderLlm({ llm, currency }: RunningMonthJson): string[] {
  if (llm.requests === 0) return [];
  const requests = counted(llm.requests, 'LLM request');
  return [
    '',
    `${requests} for ${formatMoney(llm.exact_cents, currency)}`,
    indent(
      renderTable<(typeof llm.by_model)[number]>(
        [
          { head: 'model', value: ({ model }) => model ?? 'all others' },
          { head: 'requests', align: 'right', value: (row) => groupDigits(row.requests) },
          {
            head: 'cost',
            align: 'right',
            value: ({ exact_cents }) => formatAmount(exact_cents, currency),
          },
        ],
        llm.by_model,
      ),
    ),
  ];
}

const LINES: readonly Column<{ readonly line: Line; readonly text: LineText }>[] = [
  { head: 'deployment', value: ({ line }) => line.deployment_id },
  { head: 'line', wrap: true, value: ({ text }) => [text.name, ...text.details].join('\n') },
  { head: 'amount', align: 'right', value: ({ text }) => text.amount },
];

/** Without the tax line: the totals have it. */
function withTexts({ lines }: Invoice, currency: string) {
  return lines
    .filter(({ kind }) => kind !== 'tax')
    .map((line) => ({ line, text: plainLineText(line, currency) }));
}

function taxed(invoice: Invoice, currency: string) {
  return { ...invoice, currency, tax: { ...invoice.tax, aud: null } };
}

function sayProjection({ projection, currency }: RunningMonthJson): string {
  if (projection === null)
    return 'There is no projection: a quantity or an amount is out of range.';
  return `If usage continues at this rate, the invoice will be ${formatMoney(projection.total_cents, currency)} (linear projection).`;
}

/** `0.5161` → `51.61%`. */
function percentOf(share: string): string {
  return `${new Decimal(share).times(100).toFixed()}%`;
}
