import { Command } from 'commander';
import { previewMonth, type TenantPreview } from '../../audit/preview.ts';
import type { PlacedLine } from '../../domain/line-changes.ts';
import type { Month } from '../../domain/period.ts';
import { placedLineToJson } from '../../domain/quote-json.ts';
import { taxToJson } from '../../domain/tax-json.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { requireKnown, requireBillable } from '../preconditions.ts';
import { print } from '../output.ts';
import { withProgress } from '../progress-display.ts';
import { renderPreview } from '../render/preview-text.ts';

interface Options {
  readonly tenant?: readonly string[];
  readonly lines?: boolean;
}

export function monthEndPreviewCommand(): Command {
  return new Command('preview')
    .description('calculate all invoices of a month without writing anything')
    .argument('<month>', 'month, such as 2026-05; it need not be over', monthArgument)
    .option('--tenant <id...>', 'only these tenants')
    .option('--lines', 'show all lines, and where an invoice exists which of them differ from it')
    .addHelpText(
      'after',
      `
Shows the invoice that a month end would make now for each due tenant, by the same code, next to the
tenant's last invoice. If the month already has an invoice, it shows what a forced rerun would change; if that
invoice is settled, totals and lines are those of the invoice and its adjustment notes together.
Tenants that would be parked are listed with the reason. --lines shows their lines too, if they can be
computed.

Examples:
  npm run cli -- month-end preview 2026-05
  npm run cli -- month-end preview 2026-05 --tenant acme --lines`,
    )
    .action(async (month: Month, options: Options, command: Command) => {
      const what = { what: `Previewing ${month}`, unit: 'tenants', total: null };
      const previews = await withDatabase(readEnvironment(process.env), async (db, config) => {
        await requireBillable(db, month);
        return withProgress(what, async (update) => {
          await requireKnown(db, 'tenant', options.tenant);
          const found: TenantPreview[] = [];
          let due = options.tenant?.length ?? 0;
          await previewMonth(db, month, {
            bounds: config.worker.bounds,
            controlTotals: config.controlTotals,
            tenantIds: options.tenant ?? null,
            onCount: (tenants) => (due = options.tenant?.length ?? tenants),
            onTenant: (preview) => {
              found.push(options.lines ? preview : withoutLines(preview));
              update(found.length, due);
            },
          });
          return found;
        });
      });
      const previewed = new Set(previews.map(({ tenantId }) => tenantId));
      const notDue = (options.tenant ?? []).filter((tenantId) => !previewed.has(tenantId));
      print(
        command,
        { previews, notDue },
        ({ previews, notDue }) =>
          renderPreview(month, previews, { withLines: options.lines === true, notDue }),
        ({ previews, notDue }) => ({ month, tenants: previews.map(toJson), not_due: notDue }),
      );
    });
}

/** Lines take most of the memory for thousands of tenants, so they are dropped unless --lines is given. */
function withoutLines(tenant: TenantPreview): TenantPreview {
  const { preview, standing } = tenant;
  return {
    ...tenant,
    preview: { ...preview, lines: [] },
    standing: standing && { ...standing, note: standing.note && { ...standing.note, lines: [] } },
  };
}

function toJson({ tenantId, currency, preview, standing, last }: TenantPreview) {
  return {
    tenant_id: tenantId,
    currency,
    ...(preview.parked !== null
      ? { parked: preview.parked, ...linesToJson(preview.lines) }
      : {
          subtotal_cents: preview.subtotalCents,
          taxable_cents: preview.taxableCents,
          tax_cents: preview.taxCents,
          total_cents: preview.totalCents,
          tax: taxToJson(preview.tax),
          nothing_to_bill: preview.nothingToBill,
          ...linesToJson(preview.lines),
        }),
    standing: standing && {
      invoice_id: standing.invoiceId,
      number: standing.number,
      status: standing.status,
      settled: standing.isSettled,
      total_cents: standing.totalCents,
      changed_lines: standing.changes.length,
      tax: taxToJson(standing.tax),
      adjustment_note: standing.note && {
        subtotal_cents: standing.note.subtotalCents,
        tax_cents: standing.note.taxCents,
        total_cents: standing.note.totalCents,
        ...linesToJson(standing.note.lines),
      },
    },
    last: last && { number: last.number, total_cents: last.totalCents },
  };
}

/** Nothing without lines: they are empty unless --lines is given. */
function linesToJson(lines: readonly PlacedLine[]) {
  return lines.length === 0 ? {} : { lines: lines.map(placedLineToJson) };
}
