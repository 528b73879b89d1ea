import { Command, Option } from 'commander';
import type { HeldFilter } from '../../db/usage/quarantine.ts';
import { countQuarantined } from '../../db/usage/quarantine-views.ts';
import { chargeText, heldText, reasonText } from '../../display/quarantine-text.ts';
import type { QuarantineReason } from '../../domain/quarantine.ts';
import type { Assignment } from '../../ingestion/quarantine/assignment.ts';
import {
  dismissQuarantined,
  type Dismissal,
} from '../../ingestion/quarantine/dismiss-quarantined.ts';
import {
  releaseQuarantined,
  type Release,
} from '../../ingestion/quarantine/release-quarantined.ts';
import { toTimeBounds } from '../../ingestion/time-bounds.ts';
import { currencyCode, externalId } from '../../ingestion/usage-fields.ts';
import { parsedBy, reasonArgument } from '../arguments.ts';
import { CliError, EXIT_WRONG } from '../cli-error.ts';
import { confirm, yesOption, type Confirmation } from '../confirm.ts';
import { readEnvironment, withDatabase, type Environment } from '../environment.ts';
import { print } from '../output.ts';
import { actor, operatorAction } from '../record-action.ts';
import { heldForOption, quarantineIdArgument } from './quarantine-list-commands.ts';
import { counted } from '../../domain/format.ts';

interface FilterOptions {
  readonly heldFor?: QuarantineReason;
  readonly tenant?: string;
  readonly reason: string;
}

/** The events that a command is about, by number or by filter. */
function toFilter(ids: readonly number[], { heldFor, tenant }: FilterOptions): HeldFilter {
  return { quarantineIds: ids.length === 0 ? undefined : ids, heldFor, tenantId: tenant };
}

/** Collects the numbers of events. */
function eventsArgument(text: string, previous: readonly number[] = []): readonly number[] {
  return [...previous, quarantineIdArgument(text)];
}

interface ReleaseOptions extends FilterOptions {
  readonly asTenant?: string;
  readonly asDeployment?: string;
  readonly asCurrency?: string;
}

export function quarantineReleaseCommand(): Command {
  return new Command('release')
    .description('try held usage again, and accept it into the ledger')
    .argument(
      '[events...]',
      'numbers of events; default: all that the options match',
      eventsArgument,
    )
    .requiredOption('--reason <text>', 'reason, stored with the events', reasonArgument)
    .addOption(heldForOption())
    .option('--tenant <id>', 'only events of this tenant, as sent')
    .addOption(
      new Option('--as-tenant <id>', 'release them to this tenant').argParser(parsedBy(externalId)),
    )
    .addOption(
      new Option('--as-deployment <id>', 'release them to this deployment').argParser(
        parsedBy(externalId),
      ),
    )
    .addOption(
      new Option('--as-currency <code>', 'take their amounts as of this currency').argParser(
        parsedBy(currencyCode),
      ),
    )
    .addHelpText(
      'after',
      `
Events whose tenant and deployment exist by now are also released by themselves, every few minutes. Events
that can't be accepted stay held (exit code 3). The next invoice of the tenant bills events of invoiced
months. Events that are malformed, too_old or of an unpriced_model are only released by number or with
--held-for. The --as options are for events that the gateway sent with wrong ids or a wrong currency: give
the events, --held-for or --tenant with them. Amounts are not converted, so --as-currency needs a currency
with the same decimals.

Examples:
  npm run cli -- quarantine release --tenant newco --reason "newco was created late"
  npm run cli -- quarantine release --held-for too_old --reason "the gateway was offline for months"
  npm run cli -- quarantine release 17 18 --as-tenant acme --as-deployment acme-a --reason "no metadata"`,
    )
    .action(async (ids: readonly number[], options: ReleaseOptions, command: Command) => {
      const { asTenant, asDeployment, asCurrency, reason } = options;
      const assign: Assignment = {
        tenant_id: asTenant,
        deployment_id: asDeployment,
        currency: asCurrency,
      };
      const done = await operatorAction(command, readEnvironment(process.env), (db, { api }) =>
        releaseQuarantined(
          db,
          toFilter(ids, options),
          { actor: actor(), reason, assign },
          { now: new Date(), timeBounds: toTimeBounds(api.usage) },
        ),
      );
      print(command, done, renderRelease);
      if (done.still_held.length > 0) process.exitCode = EXIT_WRONG;
    });
}

function renderRelease({ released, already_accepted, added, still_held }: Release): string {
  return [
    `Released: ${counted(released, 'event')}${added.length === 0 ? '' : `, ${added.map(chargeText).join(', ')}`}.`,
    ...(already_accepted === 0
      ? []
      : [`Accepted before, because they were sent again: ${already_accepted}.`]),
    ...still_held.map(
      ({ held_for, events, example }) =>
        `Still held for ${reasonText(held_for)}: ${counted(events, 'event')}, such as: ${example}`,
    ),
  ].join('\n');
}

interface DismissOptions extends FilterOptions {
  readonly yes?: boolean;
}

export function quarantineDismissCommand(): Command {
  return new Command('dismiss')
    .description('dismiss held usage, permanently: it will not be billed')
    .argument(
      '[events...]',
      'numbers of events; default: all that the options match',
      eventsArgument,
    )
    .requiredOption('--reason <text>', 'reason, stored with the events', reasonArgument)
    .addOption(heldForOption())
    .option('--tenant <id>', 'only events of this tenant, as sent; requires --held-for')
    .addOption(yesOption())
    .addHelpText(
      'after',
      `
The events stay visible with the reason. Their ids stay free: if the gateway sends one again and it can be
accepted by then, it is billed.

Examples:
  npm run cli -- quarantine dismiss 17 18 --reason "test requests"
  npm run cli -- quarantine dismiss --held-for malformed --reason "sent again by hand" --yes`,
    )
    .action(async (ids: readonly number[], options: DismissOptions, command: Command) => {
      const { yes, reason, heldFor } = options;
      if (ids.length === 0 && heldFor === undefined) {
        throw new CliError('Name the events, or give --held-for');
      }
      const env = readEnvironment(process.env);
      await confirm({ yes }, () => describe(env, ids, options));
      const done = await operatorAction(command, env, (db) =>
        dismissQuarantined(db, toFilter(ids, options), { actor: actor(), reason }),
      );
      print(command, done, renderDismissal);
      if (done.already_accepted > 0) process.exitCode = EXIT_WRONG;
    });
}

function describe(
  env: Environment,
  ids: readonly number[],
  { heldFor, tenant }: DismissOptions,
): Promise<Confirmation> {
  return withDatabase(env, async (db) => {
    const counts = await countQuarantined(db, { quarantineIds: ids, heldFor, tenantId: tenant });
    return {
      consequences: [
        counts.length === 0 ? 'No held events match.' : `Held events: ${heldText(counts)}.`,
        'They will not be billed, and nothing undoes that. They stay visible with the reason.',
      ],
      question: 'Dismiss them?',
    };
  });
}

function renderDismissal({ dismissed, already_accepted }: Dismissal): string {
  return [
    `Dismissed: ${counted(dismissed, 'event')}.`,
    ...(already_accepted === 0
      ? []
      : [
          `Still held: ${counted(already_accepted, 'event')} that the ledger has already accepted. Run \`quarantine release\`, which adds nothing.`,
        ]),
  ].join('\n');
}
