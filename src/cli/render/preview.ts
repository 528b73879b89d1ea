import type { TenantPreview } from '../../audit/preview.ts';
import type { PlacedLine } from '../../domain/line-changes.ts';
import { formatCents, groupDigits } from '../../domain/format.ts';
import { indent, renderTable, type Column } from './table.ts';

const TENANTS: readonly Column<TenantPreview>[] = [
  { head: 'tenant', value: ({ tenantId }) => tenantId },
  {
    head: 'would be',
    align: 'right',
    value: (tenant) => cents(totalOf(tenant)) ?? 'parked',
    format: ({ preview }) => (preview.parked === null ? null : 'yellow'),
  },
  { head: 'last month', align: 'right', value: ({ last }) => cents(last?.totalCents ?? null) },
  {
    head: 'difference',
    align: 'right',
    value: (tenant) => difference(totalOf(tenant), tenant.last?.totalCents ?? null),
  },
  { head: 'stands', align: 'right', value: ({ standing }) => cents(standing?.totalCents ?? null) },
  {
    head: 'difference',
    align: 'right',
    value: (tenant) => difference(totalOf(tenant), tenant.standing?.totalCents ?? null),
  },
  {
    head: 'lines that differ',
    align: 'right',
    value: ({ standing }) => standing?.changes.length ?? null,
  },
  {
    head: '',
    value: ({ currency, standing }) => [currency, standing?.status].filter(Boolean).join(' '),
  },
];

/** Tenant by tenant, then the sums, and who would be parked. */
export function renderPreview(
  month: string,
  tenants: readonly TenantPreview[],
  { withLines }: { readonly withLines: boolean },
): string {
  const parked = tenants.flatMap(({ tenantId, preview }) =>
    preview.parked === null
      ? []
      : `${tenantId} would be parked (${preview.parked.type}): ${preview.parked.reason}`,
  );
  return [
    `${month}, as it would be invoiced now; nothing was written.`,
    '',
    renderTable(TENANTS, tenants, 'no tenant is due'),
    ...(withLines ? tenants.flatMap(renderLines) : []),
    '',
    ...sums(tenants),
    ...parked,
  ].join('\n');
}

function totalOf({ preview }: TenantPreview): number | null {
  return preview.parked === null ? preview.totalCents : null;
}

function cents(amountCents: number | null): string | null {
  return amountCents === null ? null : formatCents(amountCents);
}

function difference(to: number | null, from: number | null): string | null {
  if (to === null || from === null) return null;
  return formatCents((BigInt(to) - BigInt(from)).toString());
}

/** What would be invoiced in each currency, beside what stands. */
function sums(tenants: readonly TenantPreview[]): string[] {
  const byCurrency = Map.groupBy(tenants, ({ currency }) => currency);
  return [...byCurrency].map(([currency, group]) => {
    const wouldBe = sum(group.map(totalOf));
    const stands = sum(
      group.map(({ standing }) =>
        standing?.status === 'void' ? null : (standing?.totalCents ?? null),
      ),
    );
    return `${currency}: ${group.length} tenants, ${wouldBe} would be invoiced, ${stands} stands`;
  });
}

function sum(amounts: readonly (number | null)[]): string {
  return formatCents(amounts.reduce((total, amount) => total + BigInt(amount ?? 0), 0n).toString());
}

const LINES: readonly Column<{ readonly mark: string; readonly line: PlacedLine }>[] = [
  { head: '', value: ({ mark }) => mark },
  { head: 'deployment', value: ({ line }) => line.deploymentId },
  { head: 'line', wrap: true, value: ({ line }) => line.description },
  { head: 'qty', align: 'right', value: ({ line }) => groupDigits(line.qty) },
  { head: 'amount', align: 'right', value: ({ line }) => formatCents(line.amountCents) },
];

function renderLines({ tenantId, preview, standing }: TenantPreview): string[] {
  const rows =
    standing === null
      ? (preview.parked === null ? preview.lines : []).map((line) => ({ mark: '', line }))
      : standing.changes.flatMap(({ before, after }) => [
          ...(before ? [{ mark: '-', line: before }] : []),
          ...(after ? [{ mark: '+', line: after }] : []),
        ]);
  return rows.length === 0 ? [] : ['', tenantId, indent(renderTable(LINES, rows))];
}
