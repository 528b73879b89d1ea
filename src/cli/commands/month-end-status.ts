import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Command } from 'commander';
import { readMonthEndStatus } from '../../db/month-end-status.ts';
import { listOutcomes } from '../../db/outcome-views.ts';
import type { Database } from '../../db/pool.ts';
import type { Month } from '../../domain/period.ts';
import { queryProgress } from '../../temporal/month-end.ts';
import { monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase, withTemporal } from '../environment.ts';
import { EXIT_WRONG } from '../errors.ts';
import { print } from '../output.ts';
import { renderProgress, renderStatus, type StatusWithProgress } from '../render/month-end.ts';
import { renderOutcomes } from '../render/outcomes.ts';

interface Options {
  readonly watch?: boolean;
  readonly tenants?: boolean;
  readonly after?: string;
}

/** Tenants that are listed at once. */
const TENANTS_LIMIT = 1000;

/** A query waits for a worker, and there may be none. */
const QUERY_TIMEOUT_MS = 5_000;
const WATCH_EVERY_MS = 1_000;

export function monthEndStatusCommand(): Command {
  return new Command('status')
    .description('show how the month end of a month stands')
    .argument('<month>', 'such as 2026-05', monthArgument)
    .option('--tenants', `with the outcome of each tenant, the first ${TENANTS_LIMIT}`)
    .option('--after <tenant>', 'with --tenants: those after this one')
    .option('--watch', 'wait until everything that was asked for is done')
    .addHelpText(
      'after',
      "\nExit code 3 where the books don't add up.\n\nExample:\n  npm run cli -- month-end status 2026-05 --watch",
    )
    .action((month: Month, options: Options, command: Command) => {
      const env = readEnvironment(process.env);
      return withDatabase(env, (db) =>
        withTemporal(env, async ({ client }) => {
          let status = await readStatus(db, client, month);
          while (options.watch && isBusy(status)) {
            console.error(renderProgress(status.progress));
            await sleep(WATCH_EVERY_MS);
            status = await readStatus(db, client, month);
          }
          const page = { after: options.after ?? null, limit: TENANTS_LIMIT };
          const tenants = options.tenants ? await listOutcomes(db, month, page) : undefined;
          print(command, { ...status, ...(tenants && { tenants }) }, () =>
            [renderStatus(status), ...(tenants ? [renderOutcomes(tenants)] : [])].join('\n\n'),
          );
          if (tenants?.length === TENANTS_LIMIT) {
            console.error(`The next ones with --after ${tenants.at(-1)?.tenant_id ?? ''}`);
          }
          if (status.balanced === false) process.exitCode = EXIT_WRONG;
        }),
      );
    });
}

async function readStatus(db: Database, client: Client, month: Month): Promise<StatusWithProgress> {
  const [status, progress] = await Promise.all([
    readMonthEndStatus(db, month),
    client
      .withDeadline(Date.now() + QUERY_TIMEOUT_MS, () => queryProgress(client, month))
      // Without a worker there is nobody to answer; the rest is from the database.
      .catch(() => 'not answering' as const),
  ]);
  return { ...status, progress };
}

function isBusy({ progress, requests }: StatusWithProgress): boolean {
  if (requests.some(({ state }) => state !== 'finished')) return true;
  return progress !== null && progress !== 'not answering' && progress.state === 'closing';
}
