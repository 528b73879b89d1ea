import type { TenantPreview } from '../../audit/preview.ts';
import type { ComposedInvoice } from '../../domain/compose-invoice.ts';
import { NOT_DUE } from '../../db/month-end/due-tenants.ts';
import type { PlacedLine } from '../../domain/line-changes.ts';
import { joinFigure, plainLineText, type LineText } from '../../display/line-text.ts';
import { taxChangeText } from '../../display/tax-text.ts';
import { counted, formatAmount } from '../../domain/format.ts';
import { lineToJson } from '../../domain/quote-json.ts';
import { taxToJson } from '../../domain/tax-json.ts';
import { indent, renderTable, type Column } from './text-table.ts';

const TENANTS: readonly Column<TenantPreview>[] = [
  { head: 'tenant', value: ({ tenantId }) => tenantId },
  {
    head: 'would be',
    align: 'right',
    value: wouldBe,
    format: ({ preview }) => (preview.parked === null ? null : 'yellow'),
  },
  {
    head: 'last month',
    align: 'right',
    value: (tenant) => amount(tenant.last?.totalCents, tenant),
  },
  {
    head: 'difference',
    align: 'right',
    value: (tenant) => difference(tenant, tenant.last?.totalCents),
  },
  {
    head: 'current',
    align: 'right',
    value: (tenant) => amount(tenant.standing?.totalCents, tenant),
  },
  {
    head: 'difference',
    align: 'right',
    value: (tenant) => difference(tenant, tenant.standing?.totalCents),
  },
  {
    head: 'lines that differ',
    align: 'right',
    value: ({ standing }) => standing?.changes.length ?? null,
  },
  {
    head: '',
    value: ({ currency, standing }) =>
      [currency, standing?.status, standing?.isSettled && 'settled'].filter(Boolean).join(' '),
  },
];

function wouldBe(tenant: TenantPreview): string {
  const { preview } = tenant;
  if (preview.parked === null && preview.nothingToBill) return 'nothing to bill';
  return amount(totalOf(tenant), tenant) ?? 'parked';
}

/** A table of the tenants, then sums, and the tenants that would be parked or aren't due. */
export function renderPreview(
  month: string,
  tenants: readonly TenantPreview[],
  {
    withLines,
    notDue,
  }: {
    readonly withLines: boolean;
    /** Requested tenants that aren't due. */
    readonly notDue: readonly string[];
  },
): string {
  const parked = tenants.flatMap(({ tenantId, preview }) =>
    preview.parked === null
      ? []
      : `${tenantId} would be parked (${preview.parked.type}): ${preview.parked.reason}`,
  );
  return [
    `Preview of ${month}, as it would be invoiced now. Nothing was written.`,
    '',
    renderTable(TENANTS, tenants, 'No tenant is due.'),
    ...(withLines ? tenants.flatMap(renderLines) : []),
    '',
    ...sums(tenants),
    ...tenants.flatMap((tenant) => {
      const change = taxChangeOf(tenant);
      return change === null ? [] : `${tenant.tenantId}: ${change}`;
    }),
    ...parked,
    ...notDue.map((tenantId) => `${tenantId} is not due for ${month}${NOT_DUE}`),
  ].join('\n');
}

/** Says how an invoiced tenant would be taxed otherwise; null if it wouldn't. */
export function taxChangeOf({ preview, standing }: TenantPreview): string | null {
  if (standing === null || standing.isSettled || preview.parked !== null) return null;
  return taxChangeText(taxToJson(standing.tax), taxToJson(preview.tax));
}

function totalOf({ preview }: TenantPreview): number | null {
  return preview.parked === null ? preview.totalCents : null;
}

function amount(cents: number | null | undefined, { currency }: TenantPreview): string | null {
  return cents === null || cents === undefined ? null : formatAmount(cents, currency);
}

function difference(tenant: TenantPreview, fromCents: number | undefined): string | null {
  const toCents = totalOf(tenant);
  if (toCents === null || fromCents === undefined) return null;
  return formatAmount((BigInt(toCents) - BigInt(fromCents)).toString(), tenant.currency);
}

/** The total per currency that would be invoiced, and the current total. */
function sums(tenants: readonly TenantPreview[]): string[] {
  const byCurrency = Map.groupBy(tenants, ({ currency }) => currency);
  return [...byCurrency].map(([currency, group]) => {
    const wouldBe = sum(group.map(totalOf), currency);
    const stands = sum(
      group.map(({ standing }) =>
        standing?.status === 'void' ? null : (standing?.totalCents ?? null),
      ),
      currency,
    );
    return `${currency}: ${counted(group.length, 'tenant')}, ${wouldBe} would be invoiced, currently ${stands}`;
  });
}

function sum(amounts: readonly (number | null)[], currency: string): string {
  const total = amounts.reduce((sum, cents) => sum + BigInt(cents ?? 0), 0n);
  return formatAmount(total.toString(), currency);
}

const LINES: readonly Column<{
  readonly mark: string;
  readonly line: PlacedLine;
  readonly text: LineText;
}>[] = [
  { head: '', value: ({ mark }) => mark },
  { head: 'deployment', value: ({ line }) => line.deploymentId },
  { head: 'line', wrap: true, value: ({ text }) => [text.name, ...text.details].join('\n') },
  { head: 'quantity', align: 'right', value: ({ text }) => joinFigure(text.quantity) },
  { head: 'amount', align: 'right', value: ({ text }) => text.amount },
];

/** Every line as it would be. `+` marks lines that the live invoice doesn't have like this, `-` what it has instead. */
function renderLines({ tenantId, currency, preview, standing }: TenantPreview): string[] {
  const changes = standing?.changes ?? [];
  const replaced = new Map(changes.map(({ before, after }) => [after?.lineNo, before]));
  const rows = [
    ...preview.lines.flatMap((line) => {
      const before = replaced.get(line.lineNo) ?? null;
      return [
        ...(before === null ? [] : [{ mark: '-', line: before }]),
        { mark: replaced.has(line.lineNo) ? '+' : '', line },
      ];
    }),
    ...changes.flatMap((each) =>
      each.change === 'removed' ? [{ mark: '-', line: each.before }] : [],
    ),
  ];
  const shown = rows.map(({ mark, line }) => ({
    ...{ mark, line },
    text: plainLineText({ ...lineToJson(line), taxable: line.taxable }, currency),
  }));
  return [
    ...(rows.length === 0 ? [] : ['', tenantId, indent(renderTable(LINES, shown))]),
    ...renderNote(tenantId, currency, standing?.note ?? null),
  ];
}

const NOTE_LINES: readonly Column<{ readonly line: PlacedLine; readonly text: LineText }>[] = [
  { head: 'deployment', value: ({ line }) => line.deploymentId },
  { head: 'line', wrap: true, value: ({ text }) => text.name },
  { head: 'difference', align: 'right', value: ({ text }) => text.amount },
];

/** The differences of the adjustment note that a rerun would issue. */
function renderNote(tenantId: string, currency: string, note: ComposedInvoice | null): string[] {
  if (note === null || note.lines.length === 0) return [];
  const shown = note.lines.map((line) => ({
    line,
    text: plainLineText(lineToJson(line), currency),
  }));
  return ['', `${tenantId}, adjustment note`, indent(renderTable(NOTE_LINES, shown))];
}
