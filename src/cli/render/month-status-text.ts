import type { MonthEndProgress } from '../../contracts/month-end.ts';
import type { ReconciliationRow } from '../../db/month-end/reconciliation.ts';
import type { MonthEndStatus } from '../../db/month-end/month-end-status.ts';
import { formatAmount, formatUsage, groupDigits } from '../../domain/format.ts';
import { counted, style } from './styled-text.ts';
import { renderTable, type Column } from './text-table.ts';

/** The month as the database has it, with what its workflow says of itself. */
export type StatusWithProgress = MonthEndStatus & {
  /** Null: no workflow of the month is known. */
  readonly progress: MonthEndProgress | 'not answering' | null;
};

/** How a month stands, section by section; those that are empty are left out. */
export function renderStatus(status: StatusWithProgress): string {
  const { outcomes, due_tenants, not_looked_at, progress } = status;
  const { rolled, skipped, unchanged, parked } = outcomes;
  return [
    `${status.month}: ${renderProgress(progress)}`,
    `${counted(due_tenants, 'tenant')} due: ${groupDigits(rolled)} rolled, ${groupDigits(skipped)} skipped, ` +
      `${groupDigits(unchanged)} unchanged, ${groupDigits(parked)} parked, ` +
      `${groupDigits(not_looked_at)} not looked at`,
    ...renderBalance(status),
    ...status.to_do.map((sentence) => style('yellow', `To do: ${sentence}`)),
    ...section('To invoice', TO_INVOICE, status.to_invoice),
    ...section('Parked', PARKED, status.parked),
    ...section('Refused', REFUSED, refusalsOf(status)),
    ...section('Invoices', TOTALS, status.totals),
    ...section('Usage', RECONCILIATION, status.reconciliation),
    ...section('Usage lines', USAGE_LINES, status.control_totals.lines),
    ...section('Requests', REQUESTS, status.requests),
  ].join('\n');
}

/** What the month's workflow says of itself, in a line. */
export function renderProgress(progress: StatusWithProgress['progress']): string {
  if (progress === null) return 'has no workflow';
  if (progress === 'not answering') return 'the workflow does not answer: is a worker running?';
  const { pass, state, openUntil, totals } = progress;
  if (pass) {
    const { rolled, skipped, unchanged, parked } = pass.counts;
    const done = rolled + skipped + unchanged + parked;
    return `closing, ${groupDigits(done)} of ${counted(pass.dueTenants, 'tenant')} done`;
  }
  if (state === 'open' && totals === null) return 'waiting for a request';
  return state === 'open' && openUntil !== null
    ? `closed, open for corrections until ${openUntil}`
    : 'closing, about to begin';
}

/** Whether the books add up, as far as they need to by now. */
function renderBalance({ balanced, imbalances, month }: StatusWithProgress): string[] {
  if (balanced === null) return [];
  if (balanced) return [style('green', 'The books add up.')];
  return [
    style('red', `THE BOOKS DON'T ADD UP; \`month-end verify ${month}\` says more:`),
    ...imbalances.map((sentence) => `  ${sentence}`),
  ];
}

function section<Row>(
  title: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): string[] {
  return rows.length === 0 ? [] : ['', style('bold', title), renderTable(columns, rows)];
}

const TO_INVOICE: readonly Column<MonthEndStatus['to_invoice'][number]>[] = [
  { head: 'tenant', value: (row) => row.tenant_id },
  { head: 'name', wrap: true, value: (row) => row.name },
];

const PARKED: readonly Column<MonthEndStatus['parked'][number]>[] = [
  { head: 'tenant', value: (row) => row.tenant_id },
  { head: 'type', value: (row) => row.reason_type, format: () => 'yellow' },
  { head: 'reason', wrap: true, value: (row) => row.reason },
];

interface RefusalRow {
  readonly what: string;
  readonly reason: string;
}
const REFUSED: readonly Column<RefusalRow>[] = [
  { head: 'what', value: (row) => row.what },
  { head: 'reason', wrap: true, value: (row) => row.reason },
];

/** Tenants that a request named in vain, and signals that made no request. */
function refusalsOf({ progress, requests }: StatusWithProgress): RefusalRow[] {
  const tenants = requests.flatMap(({ request_id, refused }) =>
    refused.map(({ reason }) => ({ what: `request ${request_id}`, reason })),
  );
  // The workflow shows both; the database knows the tenants for longer.
  const told = new Set(tenants.map(({ reason }) => reason));
  const signals = progress === null || progress === 'not answering' ? [] : progress.refusals;
  return [
    ...signals
      .filter(({ reason }) => !told.has(reason))
      .map(({ at, signal, reason }) => ({ what: `signal ${signal}, ${at}`, reason })),
    ...tenants,
  ];
}

const TOTALS: readonly Column<MonthEndStatus['totals'][number]>[] = [
  { head: 'currency', value: (row) => row.currency },
  { head: 'invoices', align: 'right', value: (row) => groupDigits(row.invoices) },
  {
    head: 'subtotal',
    align: 'right',
    value: (row) => formatAmount(row.subtotal_cents, row.currency),
  },
  { head: 'GST', align: 'right', value: (row) => formatAmount(row.tax_cents, row.currency) },
  { head: 'total', align: 'right', value: (row) => formatAmount(row.total_cents, row.currency) },
];

const RECONCILIATION: readonly Column<ReconciliationRow>[] = [
  { head: 'kind', value: (row) => row.resource_kind },
  { head: 'state', value: (row) => row.state },
  { head: 'tenants', align: 'right', value: (row) => groupDigits(row.tenants) },
  { head: 'events', align: 'right', value: (row) => groupDigits(row.events) },
  { head: 'total', align: 'right', value: (row) => formatUsage(row.total, row.currency) },
];

const USAGE_LINES: readonly Column<MonthEndStatus['control_totals']['lines'][number]>[] = [
  { head: 'kind', value: (row) => row.kind },
  { head: 'currency', value: (row) => row.currency },
  { head: 'lines', align: 'right', value: (row) => groupDigits(row.lines) },
  { head: 'exact', align: 'right', value: (row) => formatAmount(row.exact_cents, row.currency) },
  {
    head: 'rounded',
    align: 'right',
    value: (row) => formatAmount(row.rounded_cents, row.currency),
  },
];

const REQUESTS: readonly Column<MonthEndStatus['requests'][number]>[] = [
  { head: 'request', value: (row) => row.request_id },
  { head: 'kind', value: (row) => row.kind },
  { head: 'state', value: (row) => row.state },
  { head: 'by', value: (row) => row.actor },
  { head: 'reason', wrap: true, value: (row) => row.reason },
  { head: 'at', value: (row) => row.requested_at },
];
