import {
  countServed,
  describeOutcomes,
  type MonthEndProgress,
} from '../../contracts/month-end-types.ts';
import type { ReconciliationRow } from '../../db/month-end/reconciliation.ts';
import { toComparedRows } from '../../db/usage/gateway-totals.ts';
import type { MonthEndStatus } from '../../db/month-end/month-end-status.ts';
import { chargeText, reasonText } from '../../display/quarantine-text.ts';
import { headlineOf, needsOf, requestStateText, type Need } from '../../display/month-needs.ts';
import {
  counted,
  formatAmount,
  formatMoney,
  formatUsage,
  groupDigits,
} from '../../domain/format.ts';
import { COMPARED_ROWS, countsText } from './control-totals-text.ts';
import { style } from './styled-text.ts';
import { renderTable, type Column } from './text-table.ts';

/** The state of a month in the database, with the progress that its workflow reports. */
export type StatusWithProgress = MonthEndStatus & {
  /** Null if the month has no workflow. */
  readonly progress: MonthEndProgress | 'not answering' | null;
  /** Requests on which the database and Temporal disagree, in sentences: one of them was restored or lost. */
  readonly lost: readonly string[];
  /** Whether its last instant has passed. */
  readonly is_over: boolean;
};

/** The state of a month: how it stands, what needs a person, then the details in sections; empty ones are left out. */
export function renderStatus(status: StatusWithProgress): string {
  const { outcomes, due_tenants, not_looked_at, progress, month } = status;
  return [
    style('bold', `${month}: ${headlineOf(status)}`),
    ...needsOf(status).map((need) => renderNeed(need, status)),
    ...section('To invoice', TO_INVOICE, status.to_invoice),
    ...section('Parked', PARKED, status.parked),
    ...section('Refused', REFUSED, refusalsOf(status)),
    '',
    `${counted(due_tenants, 'tenant')} due: ${describeOutcomes(outcomes, groupDigits)}, ` +
      `${groupDigits(not_looked_at)} not processed`,
    `Workflow: ${renderProgress(progress)}`,
    ...(status.balanced === true ? [style('green', 'The books add up.')] : []),
    ...section('Invoices', TOTALS, status.totals),
    ...section('Usage', RECONCILIATION, status.reconciliation),
    ...section('Held in quarantine, not billed', QUARANTINED, status.quarantined),
    ...section('Usage lines', USAGE_LINES, status.control_totals.lines),
    ...renderGatewayTotals(status.gateway_totals),
    ...section('Requests', REQUESTS, status.requests),
  ].join('\n');
}

/** A thing to do, with the command that does it. */
function renderNeed({ kind, text }: Need, { month, imbalances }: StatusWithProgress): string {
  switch (kind) {
    case 'lost':
      return style('red', `LOST: ${text}.`);
    case 'books':
      return [
        style('red', `THE BOOKS DON'T ADD UP. Run \`month-end verify ${month}\` for details:`),
        ...imbalances.map((sentence) => `  ${sentence}`),
      ].join('\n');
    case 'unrequested':
    case 'parked':
    case 'not_processed':
    case 'refused':
    case 'release':
    case 'held':
      return style('yellow', `To do: ${text}. ${REMEDIES[kind].replaceAll('MONTH', month)}`);
  }
}

const REMEDIES: Readonly<Record<Exclude<Need['kind'], 'lost' | 'books'>, string>> = {
  unrequested: 'Wait for the Schedule, or run `month-end start MONTH`.',
  parked: 'Fix what the reasons below name, then run `month-end start MONTH`.',
  not_processed: 'Run `month-end start MONTH`.',
  refused: 'The reasons are below.',
  release: 'Review, then run `month-end release MONTH --all --reason …`.',
  held: 'Run `quarantine list`.',
};

/** The progress of the month's workflow in a line. */
export function renderProgress(progress: StatusWithProgress['progress']): string {
  if (progress === null) return 'no workflow';
  if (progress === 'not answering') return 'the workflow does not answer: is a worker running?';
  const { pass, state, openUntil, totals } = progress;
  if (pass) {
    return `closing, ${groupDigits(countServed(pass.counts))} of ${counted(pass.dueTenants, 'tenant')} done`;
  }
  if (state === 'open' && totals === null) return 'waiting for a request';
  return state === 'open' && openUntil !== null
    ? `closed, open for corrections until ${openUntil}`
    : 'closing, about to start';
}

function section<Row>(
  title: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): string[] {
  return rows.length === 0 ? [] : ['', style('bold', title), renderTable(columns, rows)];
}

/** How the gateway's control totals compare with the ledger, with the days that differ or have no total. */
function renderGatewayTotals(totals: MonthEndStatus['gateway_totals']): string[] {
  if (totals === null) return [];
  const rows = toComparedRows(totals.deployments);
  return [
    ...['', style('bold', 'Control totals of the gateway'), countsText(totals)],
    ...(rows.length === 0 ? [] : [renderTable(COMPARED_ROWS, rows)]),
  ];
}

const TO_INVOICE: readonly Column<MonthEndStatus['to_invoice'][number]>[] = [
  { head: 'tenant', value: (row) => row.tenant_id },
  { head: 'name', wrap: true, value: (row) => row.name },
];

const PARKED: readonly Column<MonthEndStatus['parked'][number]>[] = [
  { head: 'tenant', value: (row) => row.tenant_id },
  { head: 'type', value: (row) => row.reason_type, format: () => 'yellow' },
  { head: 'last invoice', align: 'right', value: lastInvoice },
  { head: 'reason', wrap: true, value: (row) => row.reason },
];

/** The money at stake. */
function lastInvoice({ last_invoice }: MonthEndStatus['parked'][number]): string {
  return last_invoice === null
    ? 'none'
    : formatMoney(last_invoice.total_cents, last_invoice.currency);
}

interface RefusalRow {
  readonly what: string;
  readonly reason: string;
}
const REFUSED: readonly Column<RefusalRow>[] = [
  { head: 'what', value: (row) => row.what },
  { head: 'reason', wrap: true, value: (row) => row.reason },
];

/** Tenants that were refused in a request, and signals that were refused as a whole. */
function refusalsOf({ progress, requests }: StatusWithProgress): RefusalRow[] {
  const tenants = requests.flatMap(({ request_id, refused }) =>
    refused.map(({ reason }) => ({ what: `request ${request_id}`, reason })),
  );
  // The workflow reports both; the database keeps refused tenants longer.
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
  { head: 'tax', align: 'right', value: (row) => formatAmount(row.tax_cents, row.currency) },
  { head: 'total', align: 'right', value: (row) => formatAmount(row.total_cents, row.currency) },
];

const RECONCILIATION: readonly Column<ReconciliationRow>[] = [
  { head: 'kind', value: (row) => row.resource_kind },
  { head: 'state', value: (row) => row.state },
  { head: 'tenants', align: 'right', value: (row) => groupDigits(row.tenants) },
  { head: 'events', align: 'right', value: (row) => groupDigits(row.events) },
  { head: 'total', align: 'right', value: (row) => formatUsage(row.total, row.currency) },
];

const QUARANTINED: readonly Column<MonthEndStatus['quarantined'][number]>[] = [
  { head: 'held for', value: (row) => reasonText(row.held_for), format: () => 'yellow' },
  { head: 'events', align: 'right', value: (row) => groupDigits(row.events) },
  { head: 'charges', align: 'right', value: chargeText },
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
  { head: 'state', value: (row) => requestStateText(row.state) },
  { head: 'actor', value: (row) => row.actor },
  { head: 'reason', wrap: true, value: (row) => row.reason },
  { head: 'at', value: (row) => row.requested_at },
];
