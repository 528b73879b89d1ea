import type { Verification } from '../../audit/verify.ts';
import { counted } from './counted.ts';
import { style } from './style.ts';
import { indent, renderTable } from './table.ts';

/** Check by check, with the first problems of those that found any. */
export function renderVerification({ month, ok, scope, checks }: Verification): string {
  const problems = checks.filter((check) => check.problems > 0);
  return [
    `${month}: ${counted(scope.invoices, 'invoice')} with ${counted(scope.lines, 'line')}; ` +
      `${counted(scope.llm_events, 'LLM event')} of exactly ${counted(scope.llm_exact_cents, 'cent')}, ` +
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
  ].join('\n');
}
