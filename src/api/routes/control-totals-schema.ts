import { z } from 'zod';

const usageTotal = {
  events: z.string(),
  total: z.string().describe('LLM usage: exact cents. Metered usage: the quantity.'),
};

/** A month's control totals as they are served; see `src/domain/control-totals.ts`. */
export const controlTotalsSchema = z
  .object({
    tenants: z.object({
      due: z.int(),
      rolled: z.int(),
      skipped: z.int(),
      unchanged: z.int(),
      parked: z.int(),
      without_invoice: z.int().describe('Count as invoiced, and have no invoice that stands.'),
      without_outcome: z.int().describe('Have an invoice that stands, and no outcome.'),
      with_several: z.int().describe('Have more than one invoice that stands.'),
    }),
    usage: z.array(
      z.object({
        source: z.enum(['llm', 'metered']),
        resource_kind: z.string(),
        currency: z.string().nullable().describe('Of LLM usage. Null: metered usage.'),
        ...usageTotal,
        places: z.array(
          z.object({
            state: z.string(),
            class: z.enum(['billed', 'unbilled', 'voided', 'pending', 'excluded', 'unaccounted']),
            ...usageTotal,
          }),
        ),
      }),
    ),
    lines: z.array(
      z.object({
        currency: z.string(),
        kind: z.enum(['overage', 'llm_usage']),
        lines: z.int(),
        exact_cents: z.string().describe('Before rounding.'),
        rounded_cents: z.string().describe('As billed: each line rounded once.'),
        wrong: z.int().describe('Lines that are not what the usage tied to them comes to.'),
      }),
    ),
    invoices: z.array(
      z.object({
        currency: z.string(),
        status: z.enum(['issued', 'paid', 'void']),
        invoices: z.int(),
        subtotal_cents: z.string(),
        tax_cents: z.string(),
        total_cents: z.string(),
        lines_cents: z.string(),
        wrong: z.int().describe('Invoices whose lines do not come to their header.'),
      }),
    ),
  })
  .meta({ id: 'ControlTotals' });
