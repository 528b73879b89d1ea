import { Command } from 'commander';
import { checkDatabase } from '../doctor/check-database.ts';
import { checkRuns } from '../doctor/check-runs.ts';
import { checkTemporal } from '../doctor/check-temporal.ts';
import type { Check } from '../doctor/doctor-check.ts';
import { readEnvironment, type Environment } from '../environment.ts';
import { EXIT_WRONG } from '../cli-error.ts';
import { print } from '../output.ts';
import { style } from '../render/styled-text.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .addHelpText(
      'after',
      `
Checks the configuration, the database and its role, the migrations, Temporal, the Schedule, the workers,
the API keys, the proxies in front of the API, and everything that the API's watchdog checks. It changes
nothing. If a server is unreachable, the other checks still run. Exit code 0: no problem (there may be
warnings, such as keys that expire within 14 days); 3: a problem was found.

Example:
  npm run cli -- doctor --json`,
    )
    .action(async (_options, command: Command) => {
      const found = await examine(readEnvironment(process.env));
      print(command, found, ({ checks }) => renderChecks(checks));
      if (!found.ok) process.exitCode = EXIT_WRONG;
    });
}

const FORMATS = { ok: 'green', warning: 'yellow', problem: 'red', unknown: 'dim' } as const;

/** A line per check; below a problem, what to do about it. */
function renderChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, state, detail, advice }) => {
    const label = `${name.padEnd(width)}  `;
    const margin = ' '.repeat('problem'.length + 2 + label.length);
    return [
      `${style(FORMATS[state], state.padEnd('problem'.length))}  ${label}${detail}`,
      ...(advice === null ? [] : [`${margin}→ ${advice}`]),
    ];
  });
  return [...lines, '', conclude(checks)].join('\n');
}

function conclude(checks: readonly Check[]): string {
  const count = (wanted: Check['state']) => checks.filter(({ state }) => state === wanted).length;
  if (count('problem') > 0) return `Problems: ${count('problem')}.`;
  const rest = [
    ...(count('warning') > 0 ? [`warnings: ${count('warning')}`] : []),
    ...(count('unknown') > 0 ? [`not checked: ${count('unknown')}`] : []),
  ];
  return rest.length > 0 ? `No problems found; ${rest.join(', ')}.` : 'No problems found.';
}

/** Runs every check; `ok` is false if there is a problem. Warnings are not problems. */
export async function examine(
  env: Environment,
): Promise<{ readonly ok: boolean; readonly checks: readonly Check[] }> {
  const now = new Date();
  const ofServers = (await Promise.all([checkDatabase(env, now), checkTemporal(env, now)])).flat();
  const checks = [...ofServers, ...(await checkRuns(env, ofServers))];
  return { ok: checks.every(({ state }) => state !== 'problem'), checks };
}
