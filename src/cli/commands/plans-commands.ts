import { Command } from 'commander';
import {
  listCurrentPlans,
  listPlanVersions,
  showPlanVersion,
  type PlanVersionView,
} from '../../db/catalogue/catalogue-views.ts';
import type { Database } from '../../db/pool.ts';
import { integerArgument } from '../arguments.ts';
import { CliError } from '../cli-error.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note, print } from '../output.ts';
import { renderPlan, renderPlans } from '../render/catalogue-text.ts';

/** Far more versions than an installation has. */
const MAX_VERSIONS = 10_000;
/** The largest version number that the database can hold. */
const LAST_VERSION = 2_147_483_647;

export function plansListCommand(): Command {
  return new Command('list')
    .description('list plans with the terms of their current version')
    .option('--all', 'list all versions')
    .addHelpText(
      'after',
      `
\`catalogue apply\` adds plans and versions.

Example:
  npm run cli -- plans list`,
    )
    .action(async ({ all = false }: { readonly all?: boolean }, command: Command) => {
      const plans = await withDatabase(readEnvironment(process.env), (db) =>
        all ? listPlanVersions(db, { after: null, limit: MAX_VERSIONS }) : listCurrentPlans(db),
      );
      print(command, plans, renderPlans);
      if (plans.length === MAX_VERSIONS) note(`Showing the first ${MAX_VERSIONS} versions.`);
    });
}

export function plansShowCommand(): Command {
  return new Command('show')
    .description('show a plan: what it includes, and what more costs')
    .argument('<plan>', 'code of the plan')
    .argument('[version]', 'version; default the current one', integerArgument(1, LAST_VERSION))
    .addHelpText('after', '\nExample:\n  npm run cli -- plans show studio')
    .action(
      async (code: string, version: number | undefined, _options: object, command: Command) => {
        const plan = await withDatabase(readEnvironment(process.env), (db) =>
          requirePlan(db, code, version),
        );
        print(command, plan, renderPlan);
      },
    );
}

/** @throws CliError if there is none */
async function requirePlan(
  db: Database,
  code: string,
  version: number | undefined,
): Promise<PlanVersionView> {
  if (version !== undefined) {
    const found = await showPlanVersion(db, { code, version });
    if (found !== null) return found;
    throw new CliError(
      `There is no version ${version} of a plan ${code}. See \`plans list --all\`.`,
    );
  }
  const current = (await listCurrentPlans(db)).find((plan) => plan.code === code);
  if (current !== undefined) return current;
  throw new CliError(`There is no plan ${code}. See \`plans list\`.`);
}
