import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { MAX_FORCED_TENANTS } from '../../contracts/request-payload.ts';
import type { Month } from '../../domain/period.ts';
import { requestMonthEnd, type ForceRequest } from '../../temporal/month-end-client.ts';
import { actor, operatorAction } from '../record-action.ts';
import { monthArgument, reasonArgument } from '../arguments.ts';
import { readEnvironment, withTemporal } from '../environment.ts';
import { CliError } from '../cli-error.ts';
import { finishRequest } from '../finish-request.ts';
import { requireKnown, requireClosable } from '../preconditions.ts';
import { snakeCaseKeys } from '../output.ts';

interface Options {
  readonly tenant?: readonly string[];
  readonly all?: boolean;
  readonly reason: string;
  readonly requestId?: string;
  readonly onlyIfChanged?: boolean;
  readonly acceptBounds?: boolean;
  readonly watch?: boolean;
}

export function monthEndForceCommand(): Command {
  return new Command('force')
    .description('rebuild issued invoices: a new revision supersedes each of them')
    .argument('<month>', 'month that is over, such as 2026-05', monthArgument)
    .option('--tenant <id...>', 'tenants whose invoices are rebuilt')
    .option('--all', 'rebuild all issued invoices of the month and invoice due tenants without one')
    .requiredOption(
      '--reason <text>',
      'reason, stored with the revision; an adjustment note prints it for the tenant',
      reasonArgument,
    )
    .option('--only-if-changed', 'skip invoices that would not change')
    .option('--accept-bounds', 'also issue totals beyond the safety bounds; requires --tenant')
    .option(
      '--request-id <id>',
      'idempotency key: repeating the request with it makes no second revision or note',
    )
    .option('--watch', 'show progress until the request is done')
    .addHelpText(
      'after',
      `
A settled invoice stays, and an adjustment note corrects it. A void invoice is replaced by its next revision
only if --tenant names its tenant; --all refuses it. \`month-end status\` lists refusals.

With --watch, the outcomes of the named tenants are printed first, and exit code 3 means that one of them was
refused or parked, or that the books don't add up. With --all, it means this for any tenant of the month.

Examples:
  npm run cli -- month-end force 2026-05 --tenant acme bravo --reason "late usage" --watch
  npm run cli -- month-end force 2026-05 --all --only-if-changed --reason "meters were late"
  npm run cli -- month-end force 2026-05 --tenant acme --accept-bounds --reason "big launch"`,
    )
    .action(async (month: Month, options: Options, command: Command) => {
      const force = toForce(options);
      const { requestId = randomUUID(), reason } = options;
      const env = readEnvironment(process.env);
      const workflowId = await operatorAction(
        command,
        env,
        async (db) => {
          await requireClosable(db, month);
          await requireKnown(db, 'tenant', options.tenant);
          return withTemporal(env, ({ client }) =>
            requestMonthEnd(client, { month, requestId, actor: actor(), reason, force }),
          );
        },
        { request_id: requestId },
      );
      const sent = {
        month,
        request_id: requestId,
        workflow_id: workflowId,
        force: snakeCaseKeys(force),
      };
      await finishRequest(command, env, sent, options);
    });
}

function toForce(options: Options): ForceRequest {
  const { tenant = [], all = false, onlyIfChanged, acceptBounds } = options;
  const terms = {
    ...(onlyIfChanged && { onlyIfChanged }),
    ...(acceptBounds && { acceptBounds }),
  };
  if (all === tenant.length > 0) throw new CliError('Give either --tenant ID… or --all');
  if (all && acceptBounds)
    throw new CliError('--accept-bounds requires --tenant: check each tenant first');
  if (all) return { all: true, ...terms };
  if (tenant.length > MAX_FORCED_TENANTS) {
    throw new CliError(`A request can name at most ${MAX_FORCED_TENANTS} tenants`);
  }
  return { tenantIds: tenant, ...terms };
}
