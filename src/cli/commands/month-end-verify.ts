import { Command } from 'commander';
import { verifyMonth } from '../../audit/verify.ts';
import type { Month } from '../../domain/period.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { EXIT_WRONG } from '../errors.ts';
import { print } from '../output.ts';
import { withProgress } from '../progress.ts';
import { requireBillable } from '../require-closable.ts';
import { renderVerification } from '../render/verification.ts';

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
