import { Command } from 'commander';
import { runningMonthToJson } from '../../audit/running-month-json.ts';
import { runningMonthOf } from '../../audit/running-month.ts';
import { CliError } from '../cli-error.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { print } from '../output.ts';
import { renderRunningMonth } from '../render/running-month-text.ts';

export function usageCurrentCommand(): Command {
  return new Command('current')
    .description('show what the running month costs a tenant so far')
    .argument('<tenant>', 'id of the tenant')
    .addHelpText(
      'after',
      `
Shows what each deployment has used and what is included, LLM usage by model, the invoice if the month ended
now, and its projection to the end of the month. Tenants see the same with their key. With --json it prints
what GET /api/v1/usage/current returns.

Example:
  npm run cli -- usage current acme`,
    )
    .action(async (tenantId: string, _options, command: Command) => {
      const running = await withDatabase(readEnvironment(process.env), (db) =>
        runningMonthOf(db, tenantId, new Date()),
      );
      if (running === null) throw new CliError(`There is no tenant ${tenantId}`);
      print(command, runningMonthToJson(running), renderRunningMonth);
    });
}
