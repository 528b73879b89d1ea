import { z } from 'zod';
import { PERCENT_OF_PLAN, type ThresholdLimit } from '../domain/spend-thresholds.ts';

/** What a spend threshold says, as it is sent (docs/spec.md#spend-thresholds). */

const AMOUNT_HINT = 'expected a whole number of minor units from 1 to 2^53 − 1';
const { min, max } = PERCENT_OF_PLAN;

/** Why a share of the plan is refused. */
export const PERCENT_HINT =
  `expected a whole number from ${min} to ${max}: at 100 % of the recurring charges or less, ` +
  'every month would reach it at its start';

/** Exactly one of an amount and a share of the plan. */
export const thresholdFields = z
  .strictObject({
    amount_cents: z
      .int({ error: AMOUNT_HINT })
      .min(1, { error: AMOUNT_HINT })
      .optional()
      .describe("Before tax, in the minor unit of the tenant's currency."),
    percent_of_plan: z
      .int({ error: PERCENT_HINT })
      .min(min, { error: PERCENT_HINT })
      .max(max, { error: PERCENT_HINT })
      .optional()
      .describe('Of the recurring charges of the month, instead of an amount.'),
  })
  .check(({ value, issues }) => {
    if ((value.amount_cents === undefined) !== (value.percent_of_plan === undefined)) return;
    const message = 'give either "amount_cents" or "percent_of_plan"';
    issues.push({ code: 'custom', path: ['amount_cents'], message, input: value });
  });

/** Returns what a validated threshold says. */
export function toLimit({
  amount_cents: amountCents,
  percent_of_plan: percentOfPlan,
}: z.infer<typeof thresholdFields>): ThresholdLimit {
  if (amountCents !== undefined) return { amountCents, percentOfPlan: null };
  if (percentOfPlan !== undefined) return { amountCents: null, percentOfPlan };
  throw new RangeError('a threshold without an amount and without a share');
}
