import { Command } from 'commander';
import { listOutcomes } from '../../db/month-end/outcome-views.ts';
import type { Month } from '../../domain/period.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase, withTemporal } from '../environment.ts';
import { EXIT_WRONG } from '../cli-error.ts';
import { isIncomplete, needsAttention, readStatus, statusToJson } from '../month-status.ts';
import { note, print } from '../output.ts';
import { renderStatus } from '../render/month-status-text.ts';
import { renderOutcomes } from '../render/outcomes-text.ts';
import { watchMonth } from '../watch-month.ts';

interface Options {
  readonly watch?: boolean;
  readonly tenants?: boolean;
  readonly after?: string;
}

/** Maximum number of tenants listed per call. */
const TENANTS_LIMIT = 1000;

export function monthEndStatusCommand(): Command {
  return new Command('status')
    .description('show the state of a month end')
    .argument('<month>', 'month, such as 2026-05', monthArgument)
    .option('--tenants', `also list the outcome per tenant, ${TENANTS_LIMIT} at a time`)
    .option('--after <tenant>', 'with --tenants: start after this tenant')
    .option('--watch', 'show progress until all requests are done')
    .addHelpText(
      'after',
      `
The first lines say how the month stands and what needs a person, as the operator page of the month does.

Exit code 3 means that the books don't add up, that due tenants of a closed month have no outcome yet, or that
a restore of PostgreSQL or Temporal has lost requests ("LOST"; see docs/operations/restore.md). With --watch
it also means that tenants are parked. Other lines that begin with "To do" don't change the exit code. Ctrl-C
stops only the display, not the month end.

Examples:
  npm run cli -- month-end status 2026-05
  npm run cli -- month-end status 2026-05 --watch`,
    )
    .action((month: Month, options: Options, command: Command) => {
      const env = readEnvironment(process.env);
      return withDatabase(env, (db, config) =>
        withTemporal(env, async ({ client }) => {
          if (options.watch) await watchMonth(db, client, month, null);
          const status = await readStatus(db, client, month, config);
          const page = { after: options.after ?? null, limit: TENANTS_LIMIT };
          const tenants = options.tenants ? await listOutcomes(db, month, page) : undefined;
          print(
            command,
            { status, tenants },
            ({ status, tenants }) =>
              [renderStatus(status), ...(tenants ? [renderOutcomes(tenants)] : [])].join('\n\n'),
            ({ status, tenants }) => ({ ...statusToJson(status), ...(tenants && { tenants }) }),
          );
          if (tenants?.length === TENANTS_LIMIT) {
            note(`To list the next tenants, add --after ${tenants.at(-1)?.tenant_id ?? ''}`);
          }
          if (options.watch ? needsAttention(status, null) : isIncomplete(status)) {
            process.exitCode = EXIT_WRONG;
          }
        }),
      );
    });
}
