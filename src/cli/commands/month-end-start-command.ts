import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import type { Month } from '../../domain/period.ts';
import { requestMonthEnd } from '../../temporal/month-end-client.ts';
import { replayRequests } from '../../temporal/replay-requests.ts';
import { actor, operatorAction } from '../record-action.ts';
import { monthArgument, tenantsPerChildOption, toMonthEndOptions } from '../arguments.ts';
import { readEnvironment, withTemporal } from '../environment.ts';
import { finishRequest } from '../finish-request.ts';
import { note } from '../output.ts';
import { requireClosable } from '../preconditions.ts';

interface Options {
  readonly requestId?: string;
  readonly reason?: string;
  readonly tenantsPerChild?: number;
  readonly afterRestore?: boolean;
  readonly watch?: boolean;
}

export function monthEndStartCommand(): Command {
  return new Command('start')
    .description('close a month, or check it again for tenants without an invoice')
    .argument('<month>', 'month that is over, such as 2026-05', monthArgument)
    .option(
      '--request-id <id>',
      'idempotency key: repeating the request with it has no further effect',
    )
    .option('--reason <text>', 'reason, stored with the request')
    .addOption(tenantsPerChildOption())
    .option(
      '--after-restore',
      "first let the month's workflow request again what a restored database has lost",
    )
    .option('--watch', 'show progress until the request is done')
    .addHelpText(
      'after',
      `
Invoices every due tenant; tenants that already have an invoice are skipped. If the month's workflow is
already running, it keeps the options it was started with. With --watch, exit code 3 means that tenants
are parked or that the books don't add up.

--after-restore resets the month's workflow to its beginning, so that it accepts all its signals again.
Requests that the database has are not repeated; lost ones, forced reruns too, are served again. Follow
docs/operations/restore.md first: invoice numbers may be issued a second time.

Examples:
  npm run cli -- month-end start 2026-05 --watch
  npm run cli -- month-end start 2026-05 --tenants-per-child 25`,
    )
    .action(async (month: Month, options: Options, command: Command) => {
      const { requestId = randomUUID(), reason, tenantsPerChild, afterRestore } = options;
      const env = readEnvironment(process.env);
      const workflowId = await operatorAction(
        command,
        env,
        async (db) => {
          await requireClosable(db, month);
          return withTemporal(env, async ({ client }) => {
            if (afterRestore && !(await replayRequests(client, month))) {
              note(`Temporal has no earlier requests for ${month}. Only this one is sent.`);
            }
            return requestMonthEnd(client, {
              month,
              requestId,
              actor: actor(),
              reason,
              options: toMonthEndOptions(tenantsPerChild),
            });
          });
        },
        { request_id: requestId },
      );
      const sent = { month, request_id: requestId, workflow_id: workflowId };
      await finishRequest(command, env, sent, options);
    });
}
