import { Command } from 'commander';
import { verifyMonth, type Verification } from '../../audit/verify.ts';
import type { Month } from '../../domain/period.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { EXIT_WRONG } from '../cli-error.ts';
import { print } from '../output.ts';
import { withProgress } from '../progress-display.ts';
import { requireBillable } from '../preconditions.ts';
import { formatMoney } from '../../domain/format.ts';
import { counted, style } from '../render/styled-text.ts';
import { indent, renderTable } from '../render/text-table.ts';

export function monthEndVerifyCommand(): Command {
  return new Command('verify')
    .description('prove a month from its raw records: compute everything again')
    .argument('<month>', 'such as 2026-05', monthArgument)
    .addHelpText(
      'after',
      `
Reads one snapshot and writes nothing; it may be run at any time, as often as you like. Exit code 3
where something doesn't hold.

Example:
  npm run cli -- month-end verify 2026-05`,
    )
    .action(async (month: Month, _options, command: Command) => {
      const what = { what: `Verifying ${month}`, unit: 'checks', total: null };
      const verification = await withDatabase(readEnvironment(process.env), async (db) => {
        await requireBillable(db, month);
        return withProgress(what, (update) => verifyMonth(db, month, update));
      });
      print(command, verification, (verification) => renderVerification(verification));
      if (!verification.ok) process.exitCode = EXIT_WRONG;
    });
}

/** ` of exactly AUD 1.32`; nothing where there were no charges. */
function chargesOf({ llm_charges }: Verification['scope']): string {
  const charges = llm_charges.map(({ currency, exact_cents }) =>
    formatMoney(exact_cents, currency),
  );
  return charges.length === 0 ? '' : ` of exactly ${charges.join(', ')}`;
}

/** Check by check, with the first problems of those that found any. */
function renderVerification({ month, ok, scope, checks, to_do }: Verification): string {
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
