import { Command } from 'commander';
import { listSubscriptions } from '../../db/catalogue/subscription-views.ts';
import { listTenants, showTenant } from '../../db/catalogue/tenant-views.ts';
import { integerArgument } from '../arguments.ts';
import { CliError } from '../cli-error.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note, print } from '../output.ts';
import { renderTenant, renderTenants } from '../render/catalogue-text.ts';

export function tenantsListCommand(): Command {
  return new Command('list')
    .description('list tenants, ordered by id')
    .option('--limit <count>', 'maximum number of tenants', integerArgument(1, 100_000), 1000)
    .addHelpText(
      'after',
      `
\`subscriptions apply\` adds and renames tenants.

Example:
  npm run cli -- tenants list`,
    )
    .action(async ({ limit }: { readonly limit: number }, command: Command) => {
      const tenants = await withDatabase(readEnvironment(process.env), (db) =>
        listTenants(db, { after: null, limit }),
      );
      print(command, tenants, renderTenants);
      if (tenants.length === limit)
        note(`Showing the first ${limit} tenants. Use --limit to see more.`);
    });
}

/** Subscriptions of a tenant that are shown with it. */
const SHOWN_SUBSCRIPTIONS = 500;

export function tenantsShowCommand(): Command {
  return new Command('show')
    .description('show a tenant: buyer details, tax treatments and subscriptions')
    .argument('<tenant>', 'id of the tenant')
    .addHelpText(
      'after',
      `
\`invoices list --tenant\`, \`payments balances --tenant\`, \`items list --tenant\` and \`usage current\` show what
it was and will be billed.

Example:
  npm run cli -- tenants show acme`,
    )
    .action(async (tenantId: string, _options, command: Command) => {
      const found = await withDatabase(readEnvironment(process.env), async (db) => {
        const tenant = await showTenant(db, tenantId);
        if (tenant === null) throw new CliError(`There is no tenant ${tenantId}`);
        const page = { after: null, limit: SHOWN_SUBSCRIPTIONS };
        return { ...tenant, subscriptions: await listSubscriptions(db, { tenantId }, page) };
      });
      print(command, found, renderTenant);
      if (found.subscriptions.length === SHOWN_SUBSCRIPTIONS)
        note(`Showing the first ${SHOWN_SUBSCRIPTIONS} subscriptions. See \`subscriptions list\`.`);
    });
}
