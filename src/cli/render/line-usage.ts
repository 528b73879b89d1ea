import type { EventBehindLine, LineUsage } from '../../db/usage/provenance.ts';
import { formatAmount, formatMoney, groupDigits } from '../../domain/format.ts';
import { counted } from './counted.ts';
import { renderTable, type Column } from './table.ts';

/**
 * What is behind a line of an invoice: what it comes to, exactly, and the events.
 * @param limit so many events were asked for at most
 */
export function renderLineUsage(
  usage: LineUsage,
  events: readonly EventBehindLine[],
  limit: number,
): string {
  return [
    `${usage.number}, line ${usage.line_no}: ${usage.description}, ${formatMoney(usage.amount_cents, usage.currency)}`,
    `${counted(usage.events, 'event')}, exactly ${exactSumOf(usage)}` + excludedOf(usage),
    usage.expired_at === null
      ? `digest ${usage.digest}`
      : `The events have expired on ${usage.expired_at.slice(0, 10)}, and can't be shown.`,
    '',
    renderTable(columnsOf(usage), events),
    ...(events.length === limit ? ['', `The first ${limit}; all of them with --csv.`] : []),
  ].join('\n');
}

function exactSumOf({ source, currency, exact_sum, unit }: LineUsage): string {
  return source === 'llm' ? formatMoney(exact_sum, currency) : `${groupDigits(exact_sum)} ${unit}`;
}

/** An LLM event that was excluded isn't among those that are counted; a metered record is. */
function excludedOf({ source, excluded_events: excluded }: LineUsage): string {
  if (excluded === 0) return '';
  const which = source === 'llm' ? 'more' : 'of them';
  return `; ${groupDigits(excluded)} ${which} ${excluded === 1 ? 'is' : 'are'} excluded`;
}

function columnsOf({ source, currency }: LineUsage): readonly Column<EventBehindLine>[] {
  return [
    { head: 'event', value: (event) => event.event_id },
    { head: 'occurred at', value: (event) => event.occurred_at },
    {
      head: source === 'llm' ? currency : 'amount',
      align: 'right',
      value: ({ amount }) =>
        source === 'llm' ? formatAmount(amount, currency) : groupDigits(amount),
    },
    {
      head: '',
      value: ({ is_excluded: isExcluded, model, replaces }) =>
        [isExcluded ? 'excluded' : '', model, replaces && `replaces ${replaces}`]
          .filter(Boolean)
          .join(', '),
    },
  ];
}
