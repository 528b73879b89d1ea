import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { MAX_FORCED_TENANTS } from '../../contracts/request-payload.ts';
import {
  releaseInvoices,
  type ReleaseResult,
  type ReleaseScope,
} from '../../db/invoices/release.ts';
import { readReview } from '../../db/month-end/review-facts.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { counted, formatMoney } from '../../domain/format.ts';
import type { Month } from '../../domain/period.ts';
import { tellRelease, type CommittedRelease } from '../../temporal/month-end-client.ts';
import { monthArgument, reasonArgument } from '../arguments.ts';
import { CliError } from '../cli-error.ts';
import { confirm, yesOption, type Confirmation } from '../confirm.ts';
import { readEnvironment, withDatabase, withTemporal, type Environment } from '../environment.ts';
import { explainError } from '../explain-error.ts';
import { note, print } from '../output.ts';
import { requireKnown } from '../preconditions.ts';
import { actor, operatorAction } from '../record-action.ts';

interface Options {
  readonly tenant?: readonly string[];
  readonly all?: boolean;
  readonly reason: string;
  readonly requestId?: string;
  readonly yes?: boolean;
}

export function monthEndReleaseCommand(): Command {
  return new Command('release')
    .description('release the reviewed invoices of a month to their tenants')
    .argument('<month>', 'month, such as 2026-05', monthArgument)
    .option('--tenant <id...>', 'tenants whose month is released')
    .option('--all', 'release every invoice of the month that waits')
    .requiredOption('--reason <text>', 'reason, stored with the release', reasonArgument)
    .option(
      '--request-id <id>',
      'idempotency key: repeating the request with it releases nothing more',
    )
    .addOption(yesOption())
    .addHelpText(
      'after',
      `
If the seller reviews invoices (seller setting "release"), tenants see a month once it is released to them:
their invoices and adjustment notes, of this and of any later revision. Releasing again changes nothing.
Tenants without an invoice, such as parked ones, are named with the reason.

Examples:
  npm run cli -- month-end release 2026-05 --all --reason "reviewed"
  npm run cli -- month-end release 2026-05 --tenant acme bravo --reason "reviewed" --yes`,
    )
    .action(async (month: Month, options: Options, command: Command) => {
      const scope = toScope(options);
      const { requestId = randomUUID(), reason, yes } = options;
      const env = readEnvironment(process.env);
      await confirm({ yes }, () => describe(env, month, scope));
      const result = await operatorAction(
        command,
        env,
        async (db) => {
          await requireKnown(db, 'tenant', options.tenant);
          const period = (await loadCalendar(db)).periodOf(month);
          return db.transaction((tx) =>
            releaseInvoices(tx, period, { ...scope, actor: actor(), reason, requestId }),
          );
        },
        { request_id: requestId },
      );
      if (result.released.length > 0) {
        const payload = 'all' in scope ? scope : { tenantIds: [...scope.tenantIds] };
        await tellWorkflow(env, { month, requestId, actor: actor(), reason, ...payload });
      }
      print(
        command,
        result,
        (shown) => render(month, shown),
        (shown) => ({
          month,
          request_id: requestId,
          released: shown.released,
          already_released: shown.alreadyReleased,
          not_released: shown.notReleased,
          waiting_invoices: shown.waiting,
        }),
      );
    });
}

function toScope({ tenant = [], all = false }: Options): ReleaseScope {
  if (all === tenant.length > 0) throw new CliError('Give either --tenant ID… or --all');
  if (tenant.length > MAX_FORCED_TENANTS) {
    throw new CliError(`A request can name at most ${MAX_FORCED_TENANTS} tenants`);
  }
  return all ? { all } : { tenantIds: tenant };
}

function describe(env: Environment, month: Month, scope: ReleaseScope): Promise<Confirmation> {
  return withDatabase(env, async (db) => {
    const { waiting, totals } = await readReview(db, (await loadCalendar(db)).periodOf(month));
    const sums = totals.map(({ currency, total_cents }) => formatMoney(total_cents, currency));
    const wait = `${counted(waiting, 'invoice')} of ${month} ${waiting === 1 ? 'waits' : 'wait'} for release${sums.length === 0 ? '' : `: ${sums.join(', ')}`}.`;
    return {
      consequences: [
        wait,
        'Released invoices become visible to their tenants at once, and webhooks are sent.',
      ],
      question:
        'all' in scope ? `Release all of them?` : `Release those of ${scope.tenantIds.join(', ')}?`,
    };
  });
}

/** Without Temporal only the details of the month's workflow are late: the release is committed. */
async function tellWorkflow(env: Environment, release: CommittedRelease): Promise<void> {
  try {
    await withTemporal(env, ({ client }) => tellRelease(client, release));
  } catch (error) {
    note(
      `The invoices are released. The month's workflow could not be told, so its details in the Web UI are late: ${explainError(error, undefined)}`,
    );
  }
}

function render(month: Month, result: ReleaseResult): string {
  const { released, alreadyReleased, notReleased, waiting } = result;
  return [
    released.length === 0
      ? `No invoice of ${month} was released now.`
      : `Released ${counted(released.length, 'invoice')} of ${month}.`,
    ...(alreadyReleased.length > 0 ? [`Released before: ${alreadyReleased.join(', ')}.`] : []),
    ...(notReleased.length > 0
      ? ['Not released:', ...notReleased.map(({ reason }) => `  ${reason}`)]
      : []),
    waiting === 0
      ? 'No invoice of the month waits.'
      : `Still waiting: ${counted(waiting, 'invoice')}.`,
  ].join('\n');
}
