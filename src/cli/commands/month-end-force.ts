import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { MAX_FORCED_TENANTS } from '../../contracts/request-payload.ts';
import type { Month } from '../../domain/period.ts';
import { requestMonthEnd, type ForceRequest } from '../../temporal/month-end.ts';
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
    .description('rebuild invoices that stand: each is superseded by a new revision')
    .argument('<month>', 'such as 2026-05; it has to be over', monthArgument)
    .option('--tenant <id...>', 'whose invoices')
    .option('--all', 'every invoice of the month that stands, and those of due tenants')
    .requiredOption('--reason <text>', 'why; it stays with the new revision', reasonArgument)
    .option('--only-if-changed', 'leave an invoice alone that would come out the same')
    .option('--accept-bounds', 'issue also what the safety bounds have parked; needs --tenant')
    .option('--request-id <id>', 'the same id makes one revision, however often it is sent')
    .option('--watch', 'show it live, until the request is served')
    .addHelpText(
      'after',
      `
Invoices that are paid or void are refused; \`month-end status\` says so. With --watch, what became of the
named tenants is said first, and exit code 3 says that one of them was refused or is parked, or that
the books don't add up; with --all, that any tenant was or is.

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
  if (all === tenant.length > 0) throw new CliError('Say either --tenant ID… or --all');
  if (all && acceptBounds) throw new CliError('--accept-bounds needs --tenant: look at each first');
  if (all) return { all: true, ...terms };
  if (tenant.length > MAX_FORCED_TENANTS) {
    throw new CliError(`A request names at most ${MAX_FORCED_TENANTS} tenants`);
  }
  return { tenantIds: tenant, ...terms };
}
