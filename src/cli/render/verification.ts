import type { Verification } from '../../audit/verify.ts';
import { style } from './style.ts';
import { indent, renderTable } from './table.ts';

/** Check by check, with the first problems of those that found any. */
export function renderVerification({ month, ok, scope, checks }: Verification): string {
  const problems = checks.filter((check) => check.problems > 0);
  return [
    `${month}: ${scope.invoices} invoices with ${scope.lines} lines; ` +
      `${scope.llm_events} LLM events of exactly ${scope.llm_exact_cents} cents, ` +
      `${scope.metered_records} metered records, in ${scope.buckets} buckets`,
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
  ].join('\n');
}
