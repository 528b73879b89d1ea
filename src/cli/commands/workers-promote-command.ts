import { Command } from 'commander';
import { makeCurrent } from '../../temporal/worker-versions.ts';
import { readEnvironment, withTemporal } from '../environment.ts';
import { operatorAction } from '../record-action.ts';
import { print } from '../output.ts';

export function workersPromoteCommand(): Command {
  return new Command('promote')
    .description('make a worker build current: its workers get all tasks')
    .argument('<build-id>', 'WORKER_BUILD_ID of running workers')
    .addHelpText(
      'after',
      `
Workflows that an older build started continue on this build; the older workers can then be stopped.

Example:
  npm run cli -- workers promote 2026-06-01.3`,
    )
    .action(async (buildId: string, _options: object, command: Command) => {
      const env = readEnvironment(process.env);
      await operatorAction(command, env, (_db, { worker: { deploymentName } }) =>
        withTemporal(env, ({ client }) => makeCurrent(client, { deploymentName, buildId })),
      );
      print(command, { current: buildId }, ({ current }) => `Build ${current} is current.`);
    });
}
