import { Command } from 'commander';
import { verifyMonth, type Verification } from '../../audit/verify.ts';
import type { Month } from '../../domain/period.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { EXIT_WRONG } from '../cli-error.ts';
import { print } from '../output.ts';
import { withProgress } from '../progress-display.ts';
import { requireBillable } from '../preconditions.ts';
import { counted, formatMoney } from '../../domain/format.ts';
import { style } from '../render/styled-text.ts';
import { indent, renderTable } from '../render/text-table.ts';

export function monthEndVerifyCommand(): Command {
  return new Command('verify')
    .description('verify a month: recalculate everything from its raw records')
    .argument('<month>', 'month, such as 2026-05', monthArgument)
    .addHelpText(
      'after',
      `
Reads one snapshot of the database and writes nothing, so it can run at any time. Exit code 3 means that
a check failed.

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

/** ` of exactly AUD 1.32`; empty if there were no charges. */
function chargesOf({ llm_charges }: Verification['scope']): string {
  const charges = llm_charges.map(({ currency, exact_cents }) =>
    formatMoney(exact_cents, currency),
  );
  return charges.length === 0 ? '' : ` of exactly ${charges.join(', ')}`;
}

function documentsOf({ invoices, adjustment_notes: notes }: Verification['scope']): string {
  return [
    counted(invoices, 'invoice'),
    ...(notes > 0 ? [counted(notes, 'adjustment note')] : []),
  ].join(' and ');
}

/** A table of all checks, then the first problems of each check that failed. */
function renderVerification({ month, ok, scope, checks, to_do }: Verification): string {
  const problems = checks.filter((check) => check.problems > 0);
  return [
    `${month}: ${documentsOf(scope)} with ${counted(scope.lines, 'line')}; ` +
      `${counted(scope.llm_events, 'LLM event')}${chargesOf(scope)}, ` +
      `${counted(scope.metered_records, 'metered record')}, in ${counted(scope.buckets, 'bucket')}`,
    ...scope.expired.map(
      ({ source, events, total, digest, expired_at }) =>
        `Its ${source} events expired on ${expired_at.slice(0, 10)}: ${events}, exactly ${total}, ` +
        `digest ${digest}. Invoices are still verified by their digests and the buckets.`,
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
      ? style('green', 'All checks passed.')
      : style('red', `${problems.length} of ${checks.length} checks failed.`),
    ...to_do.map((sentence) => style('yellow', `To do: ${sentence}`)),
  ].join('\n');
}
