import type { Exclusion } from '../../db/usage/usage-exclusions.ts';
import { formatUsage } from '../../domain/format.ts';
import { posixQuote } from '../../lib/posix-quote.ts';

/**
 * What became of an event that was to be excluded, and what is left to do.
 * @param isNew false: it had been excluded before, and that exclusion stays
 * @param isBeyondBounds whether a re-run has to accept a total beyond the safety bounds
 */
export function renderExclusion(
  exclusion: Exclusion,
  { isNew, isBeyondBounds }: { readonly isNew: boolean; readonly isBeyondBounds: boolean },
): string {
  const { source, event_id, tenant_id, actor, reason, excluded_at } = exclusion;
  const event = `${source} event ${event_id} of ${tenant_id}`;
  return [
    isNew
      ? `${event} is excluded.`
      : `${event} was already excluded, at ${excluded_at} by ${actor}; the first reason stays: ${reason}`,
    `What no longer counts: ${amountOf(exclusion)}.`,
    ...whatToDo(exclusion, isBeyondBounds),
  ].join('\n');
}

function amountOf({ amount, currency, resource_kind }: Exclusion): string {
  return formatUsage(amount, currency) + (currency === null ? ` ${resource_kind}` : '');
}

/** By the invoice's own month: late LLM usage is billed in a later one. */
function whatToDo(exclusion: Exclusion, isBeyondBounds: boolean): string[] {
  const { still_billed_on, still_billed_in, still_billed_status, tenant_id, reason } = exclusion;
  if (still_billed_on === null || still_billed_in === null) return ['No invoice bills it.'];
  if (still_billed_status === 'paid') {
    return [
      `Invoice ${still_billed_on} still bills it. It is paid and never rebuilt: settle it by hand.`,
    ];
  }
  const bounds = isBeyondBounds ? ' --accept-bounds' : '';
  return [
    `Invoice ${still_billed_on} still bills it, until it is re-run:`,
    ...(isBeyondBounds
      ? ['(The total is then beyond the safety bounds, which this accepts.)']
      : []),
    `  npm run cli -- month-end force ${still_billed_in} --tenant ${tenant_id}${bounds} --reason ${posixQuote(reason)}`,
  ];
}
