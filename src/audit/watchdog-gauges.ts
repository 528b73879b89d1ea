import { FINDING_CODES } from './watchdog-finding.ts';
import type { WatchdogReport } from './watchdog-report.ts';

/** A look in numbers, for the metrics. */
export interface WatchdogGauges {
  readonly lastCheckSeconds: number;
  /** Each code that there is, with 1 where it was found. */
  readonly findings: readonly { readonly code: string; readonly value: 0 | 1 }[];
  /** Null where the database couldn't be read: no number is better than an old one. */
  readonly monthEnd: {
    readonly openRequests: number;
    /** The month that was to be closed last. */
    readonly month: string;
    readonly parkedTenants: number;
    readonly tenantsWithoutOutcome: number;
  } | null;
}

/** Null before the first look. */
export function toGauges(report: WatchdogReport | null): WatchdogGauges | null {
  if (report === null) return null;
  const { checkedAt, findings, lastMonth, months } = report;
  const found = new Set<string>(findings.map(({ code }) => code));
  const last = months?.find(({ month }) => month === lastMonth);
  return {
    lastCheckSeconds: checkedAt.getTime() / 1000,
    findings: FINDING_CODES.map((code) => ({ code, value: found.has(code) ? 1 : 0 })),
    monthEnd:
      months && last
        ? {
            openRequests: months.reduce((sum, { openRequests }) => sum + openRequests, 0),
            month: lastMonth,
            parkedTenants: last.parked,
            tenantsWithoutOutcome: last.withoutOutcome,
          }
        : null,
  };
}
