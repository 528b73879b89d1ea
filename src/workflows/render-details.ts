import { code, list, richText, toDetails, type Markdown } from '../contracts/markdown.ts';
import type { MonthEndProgress, OutcomeCounts } from '../contracts/month-end.ts';

/** Refusals that are shown. */
const SHOWN_REFUSALS = 5;

/** How the month stands, in the Markdown of the Web UI's "current details". */
export function renderDetails(progress: MonthEndProgress): string {
  return toDetails([
    richText`**Month end of ${progress.month}**: ${headline(progress)}`,
    ...passLines(progress),
    ...(progress.totals ? [richText`Latest outcomes: ${counts(progress.totals)}.`] : []),
    ...parkedLines(progress),
    ...imbalanceLines(progress),
    ...refusalLines(progress),
  ]);
}

function headline({ month, pass, state, openUntil, totals }: MonthEndProgress): string | Markdown {
  if (pass) {
    const { rolled, skipped, unchanged, parked } = pass.counts;
    const done = rolled + skipped + unchanged + parked;
    return `closing, ${done} of ${pass.dueTenants} tenants done`;
  }
  if (state === 'closing') return 'closing, about to begin';
  // The first run of a month, or one that was reset: requests that were served before need no pass.
  if (totals === null) {
    return richText`waiting for a request; ${code(`month-end status ${month}`)} says how the month stands`;
  }
  return openUntil
    ? `closed, open for corrections until ${openUntil.slice(0, 16).replace('T', ' ')} UTC`
    : 'waiting for requests';
}

function passLines({ pass }: MonthEndProgress): Markdown[] {
  if (!pass) return [];
  const more = pass.requestCount - pass.requestIds.length;
  const requests = pass.requestIds.map(
    (id, index) => richText`${index > 0 ? ', ' : ''}${code(id)}`,
  );
  return [
    richText`This pass: ${counts(pass.counts)}; ${pass.running.length} being served.`,
    richText`It serves ${requests}${more > 0 ? ` and ${more} more requests` : ''}.`,
  ];
}

function counts({ rolled, skipped, unchanged, parked }: OutcomeCounts): string {
  return `${rolled} rolled, ${skipped} skipped, ${unchanged} unchanged, ${parked} parked`;
}

/** Who is parked is in PostgreSQL and on the children; here is the way there. */
function parkedLines({ month, pass, totals }: MonthEndProgress): Markdown[] {
  const parked = (pass?.counts ?? totals)?.parked ?? 0;
  if (parked === 0) return [];
  const filter = code(`BillingPeriod = '${month}' AND InvoiceOutcome = 'parked'`);
  return [
    richText`**${parked} parked.** Who, and why: the list of workflows with the filter ${filter}, or ${code(`month-end status ${month}`)}. What is mended is tried again at the signal \`run\`.`,
  ];
}

/** The books are the first thing to look at where they don't add up. */
function imbalanceLines({ imbalances, month }: MonthEndProgress): Markdown[] {
  if (imbalances.length === 0) return [];
  return [
    richText`**The books don't add up.** See ${code(`month-end verify ${month}`)}:`,
    list(imbalances.map((sentence) => richText`${sentence}`)),
  ];
}

function refusalLines({ refusals }: MonthEndProgress): Markdown[] {
  if (refusals.length === 0) return [];
  const shown = refusals.slice(-SHOWN_REFUSALS).toReversed();
  return [
    richText`Refused:`,
    list(shown.map(({ at, signal, reason }) => richText`${at} ${code(signal)}: ${reason}`)),
  ];
}
