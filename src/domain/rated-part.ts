import { WHOLE_MONTH, type MonthShare } from './proration.ts';
import type { PlanVersion, QuoteAddon } from './types.ts';

/** A plan version with addons, and the shares of a month for which they are billed. */
export interface RatedPart {
  readonly planVersion: PlanVersion;
  readonly share: MonthShare;
  readonly addons: readonly RatedAddon[];
}

export interface RatedAddon {
  readonly addon: QuoteAddon;
  readonly share: MonthShare;
}

/** Returns a plan version with addons for a whole month. */
export function wholeMonth(planVersion: PlanVersion, addons: readonly QuoteAddon[]): RatedPart {
  return {
    planVersion,
    share: WHOLE_MONTH,
    addons: addons.map((addon) => ({ addon, share: WHOLE_MONTH })),
  };
}
