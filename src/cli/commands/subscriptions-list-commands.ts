import { Command, Option } from 'commander';
import {
  listSubscriptions,
  showSubscription,
  SUBSCRIPTION_STATUSES,
  type SubscriptionStatus,
} from '../../db/catalogue/subscription-views.ts';
import { integerArgument } from '../arguments.ts';
import { CliError } from '../cli-error.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note, print } from '../output.ts';
import { requireKnown } from '../preconditions.ts';
import { renderSubscription, renderSubscriptions } from '../render/catalogue-text.ts';

interface Options {
  readonly tenant?: string;
  readonly deployment?: string;
  readonly status?: SubscriptionStatus;
  readonly limit: number;
}

export function subscriptionsListCommand(): Command {
  return new Command('list')
    .description('list subscriptions with their addons, ordered by id')
    .option('--tenant <id>', 'only subscriptions of this tenant')
    .option('--deployment <id>', 'only subscriptions of this deployment')
    .addOption(
      new Option('--status <status>', 'only subscriptions with this status').choices([
        ...SUBSCRIPTION_STATUSES,
      ]),
    )
    .option('--limit <count>', 'maximum number of subscriptions', integerArgument(1, 100_000), 1000)
    .addHelpText(
      'after',
      `
Status: pending (without a start), active, or cancelled (with an end, past or ahead).

Example:
  npm run cli -- subscriptions list --tenant acme`,
    )
    .action(async ({ tenant, deployment, status, limit }: Options, command: Command) => {
      const subscriptions = await withDatabase(readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'tenant', tenant);
        await requireKnown(db, 'deployment', deployment);
        const filter = { tenantId: tenant, deploymentId: deployment, status };
        return listSubscriptions(db, filter, { after: null, limit });
      });
      print(command, subscriptions, renderSubscriptions);
      if (subscriptions.length === limit)
        note(`Showing the first ${limit} subscriptions. Use --limit to see more.`);
    });
}

export function subscriptionsShowCommand(): Command {
  return new Command('show')
    .description('show a subscription with its addons and their dates')
    .argument('<subscription>', 'id of the subscription')
    .addHelpText('after', '\nExample:\n  npm run cli -- subscriptions show acme-web-1')
    .action(async (subscriptionId: string, _options, command: Command) => {
      const found = await withDatabase(readEnvironment(process.env), (db) =>
        showSubscription(db, subscriptionId),
      );
      if (found === null) throw new CliError(`There is no subscription ${subscriptionId}`);
      print(command, found, renderSubscription);
    });
}
