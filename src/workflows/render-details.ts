import { code, list, richText, toDetails, type Markdown } from '../contracts/markdown.ts';
import {
  countServed,
  describeOutcomes,
  type MonthEndProgress,
} from '../contracts/month-end-types.ts';

const SHOWN_REFUSALS = 5;

/** The state of the month as Markdown, for the Web UI's "current details". */
export function renderDetails(progress: MonthEndProgress): string {
  return toDetails([
    richText`**Month end of ${progress.month}**: ${headline(progress)}`,
    ...passLines(progress),
    ...(progress.totals ? [richText`Latest outcomes: ${describeOutcomes(progress.totals)}.`] : []),
    ...releaseLines(progress),
    ...parkedLines(progress),
    ...imbalanceLines(progress),
    ...refusalLines(progress),
  ]);
}

function headline({ month, pass, state, openUntil, totals }: MonthEndProgress): string | Markdown {
  if (pass) {
    return `closing, ${countServed(pass.counts)} of ${pass.dueTenants} ${pass.dueTenants === 1 ? 'tenant' : 'tenants'} done`;
  }
  if (state === 'closing') return 'closing, about to begin';
  // No pass was needed: the month is new, or it was reset and every request had been served before.
  if (totals === null) {
    return richText`waiting for a request; ${code(`month-end status ${month}`)} shows the state of the month`;
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
    richText`This pass: ${describeOutcomes(pass.counts)}; ${pass.running.length} being served.`,
    richText`Requests in this pass: ${requests}${more > 0 ? ` and ${more} more ${more === 1 ? 'request' : 'requests'}` : ''}.`,
  ];
}

/** The seller reviews invoices: tenants see none of these yet. */
function releaseLines({ month, unreleased }: MonthEndProgress): Markdown[] {
  if (unreleased === 0) return [];
  const wait = unreleased === 1 ? 'invoice waits' : 'invoices wait';
  return [
    richText`**${unreleased} ${wait} for release.** Review them with ${code(`month-end status ${month} --tenants`)} or on the operator page of the month, then send the signal \`release\` with \`{"all": true, "reason": "reviewed"}\` or \`{"tenantIds": ["…"], "reason": "reviewed"}\`.`,
  ];
}

/** How to find the parked tenants: PostgreSQL and the children know which they are. */
function parkedLines({ month, pass, totals }: MonthEndProgress): Markdown[] {
  const parked = (pass?.counts ?? totals)?.parked ?? 0;
  if (parked === 0) return [];
  const filter = code(`BillingPeriod = '${month}' AND InvoiceOutcome = 'parked'`);
  return [
    richText`**${parked} parked.** To see which tenants and why, filter the list of workflows by ${filter} or run ${code(`month-end status ${month}`)}. Once they are fixed, send the signal \`run\` to retry them.`,
  ];
}

function imbalanceLines({ imbalances, month }: MonthEndProgress): Markdown[] {
  if (imbalances.length === 0) return [];
  return [
    richText`**The books don't add up.** Run ${code(`month-end verify ${month}`)} to find the invoices that differ:`,
    list(imbalances.map((sentence) => richText`${sentence}`)),
  ];
}

function refusalLines({ refusals }: MonthEndProgress): Markdown[] {
  if (refusals.length === 0) return [];
  const shown = refusals.slice(-SHOWN_REFUSALS).toReversed();
  return [
    richText`Refused signals:`,
    list(shown.map(({ at, signal, reason }) => richText`${at} ${code(signal)}: ${reason}`)),
  ];
}
