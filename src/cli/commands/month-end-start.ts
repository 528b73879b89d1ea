import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import type { Month } from '../../domain/period.ts';
import { requestMonthEnd } from '../../temporal/month-end.ts';
import { actor } from '../actor.ts';
import { monthArgument, requireOver } from '../arguments.ts';
import { readEnvironment, withTemporal } from '../environment.ts';
import { operatorAction } from '../operator-action.ts';
import { print } from '../output.ts';

interface Options {
  readonly requestId?: string;
  readonly reason?: string;
}

export function monthEndStartCommand(): Command {
  return new Command('start')
    .description('ask for a month to be closed, or looked at again')
    .argument('<month>', 'such as 2026-05; it has to be over', monthArgument)
    .option('--request-id <id>', 'the same id is the same request, however often it is sent')
    .option('--reason <text>', 'kept with the request')
    .addHelpText(
      'after',
      `
Every due tenant is looked at; those whose invoice stands are skipped.

Example:
  npm run cli -- month-end start 2026-05`,
    )
    .action(async (month: Month, options: Options, command: Command) => {
      requireOver(month, new Date());
      const { requestId = randomUUID(), reason } = options;
      const env = readEnvironment(process.env);
      const workflowId = await operatorAction(
        command,
        env,
        () =>
          withTemporal(env, ({ client }) =>
            requestMonthEnd(client, { month, requestId, actor: actor(), reason }),
          ),
        { request_id: requestId },
      );
      print(command, { month, requestId, workflowId }, () =>
        [
          `Request ${requestId} is with workflow ${workflowId}.`,
          `See \`month-end status ${month} --watch\`.`,
        ].join('\n'),
      );
    });
}
