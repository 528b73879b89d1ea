import { Command } from 'commander';
import { checkDatabase } from '../doctor/check-database.ts';
import { checkTemporal } from '../doctor/check-temporal.ts';
import { readEnvironment } from '../environment.ts';
import { EXIT_WRONG } from '../errors.ts';
import { print } from '../output.ts';
import { renderChecks } from '../render/doctor.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check that everything is set up, and that the month is closed')
    .addHelpText(
      'after',
      `
Checks the configuration, the database and its role, the migrations, Temporal, the Schedule, the workers,
the API keys, the proxies in front of the API, and what the watchdog of the API checks. It changes nothing.
Where a server is away, the rest is checked all the same. Exit code: 0 no problem (there may be warnings,
such as of keys that end within 14 days), 3 there is a problem.

Example:
  npm run cli -- doctor --json`,
    )
    .action(async (_options, command: Command) => {
      const env = readEnvironment(process.env);
      const now = new Date();
      const checks = (await Promise.all([checkDatabase(env, now), checkTemporal(env, now)])).flat();
      const isWell = checks.every(({ state }) => state !== 'problem');
      print(command, { ok: isWell, checks }, ({ checks }) => renderChecks(checks));
      if (!isWell) process.exitCode = EXIT_WRONG;
    });
}
