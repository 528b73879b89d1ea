import type { Verification } from '../../audit/verify.ts';
import { formatMoney } from '../../domain/format.ts';
import { counted } from './counted.ts';
import { style } from './style.ts';
import { indent, renderTable } from './table.ts';

/** ` of exactly AUD 1.32`; nothing where there were no charges. */
function chargesOf({ llm_charges }: Verification['scope']): string {
  const charges = llm_charges.map(({ currency, exact_cents }) =>
    formatMoney(exact_cents, currency),
  );
  return charges.length === 0 ? '' : ` of exactly ${charges.join(', ')}`;
}

/** Check by check, with the first problems of those that found any. */
export function renderVerification({ month, ok, scope, checks, to_do }: Verification): string {
  const problems = checks.filter((check) => check.problems > 0);
  return [
    `${month}: ${counted(scope.invoices, 'invoice')} with ${counted(scope.lines, 'line')}; ` +
      `${counted(scope.llm_events, 'LLM event')}${chargesOf(scope)}, ` +
      `${counted(scope.metered_records, 'metered record')}, in ${counted(scope.buckets, 'bucket')}`,
    ...scope.expired.map(
      ({ source, events, total, digest, expired_at }) =>
        `Its ${source} events have expired on ${expired_at.slice(0, 10)}: ${events}, exactly ${total}, ` +
        `digest ${digest}. Invoices are still proved, by their digests and by the buckets.`,
    ),
    '',
    renderTable(
      [
        {
          head: '',
          value: (check) => (check.problems === 0 ? 'ok' : 'WRONG'),
          format: (check) => (check.problems === 0 ? 'green' : 'red'),
        },
        { head: '', value: (check) => check.invariant },
        { head: 'claim', wrap: true, value: (check) => check.claim },
        { head: 'problems', align: 'right', value: (check) => check.problems || '' },
      ],
      checks,
    ),
    ...problems.flatMap(({ id, examples, problems: count }) => [
      '',
      `${id}:`,
      indent(examples.join('\n')),
      ...(count > examples.length ? [indent(`and ${count - examples.length} more`)] : []),
    ]),
    '',
    ok
      ? style('green', 'Everything holds.')
      : style('red', `${problems.length} of ${checks.length} checks found something wrong.`),
    ...to_do.map((sentence) => style('yellow', `To do: ${sentence}`)),
  ].join('\n');
}
