import { Command, Option } from 'commander';
import {
  listQuarantined,
  showQuarantined,
  type QuarantinedEvent,
} from '../../db/usage/quarantine-views.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { chargeText, reasonText } from '../../display/quarantine-text.ts';
import type { Month } from '../../domain/period.ts';
import {
  QUARANTINE_REASONS,
  QUARANTINE_STATES,
  remedyFor,
  type QuarantineReason,
  type QuarantineState,
} from '../../domain/quarantine.ts';
import { integerArgument, monthArgument } from '../arguments.ts';
import { CliError } from '../cli-error.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { note, print } from '../output.ts';
import { renderTable } from '../render/text-table.ts';

/** Parses the number of a quarantined event. */
export const quarantineIdArgument = integerArgument(1, Number.MAX_SAFE_INTEGER);

/** The option that filters by reason. */
export function heldForOption(): Option {
  return new Option('--held-for <reason>', 'only events that are held for this reason').choices([
    ...QUARANTINE_REASONS,
  ]);
}

interface ListOptions {
  readonly state: QuarantineState;
  readonly heldFor?: QuarantineReason;
  readonly tenant?: string;
  readonly month?: Month;
  readonly limit: number;
}

export function quarantineListCommand(): Command {
  return new Command('list')
    .description('list usage that was sent and could not be accepted')
    .addOption(
      new Option('--state <state>', 'only events in this state')
        .choices([...QUARANTINE_STATES])
        .default('held'),
    )
    .addOption(heldForOption())
    .option('--tenant <id>', 'only events of this tenant, as sent')
    .option('--month <month>', 'only events of this month, such as 2026-05', monthArgument)
    .option('--limit <count>', 'maximum number of events', integerArgument(1, 10_000), 100)
    .addHelpText(
      'after',
      `
Held events are not billed. \`quarantine show\` says what to do about one.

Example:
  npm run cli -- quarantine list --held-for unknown_tenant`,
    )
    .action(async (options: ListOptions, command: Command) => {
      const { state, heldFor, tenant: tenantId, month, limit } = options;
      const events = await withDatabase(readEnvironment(process.env), async (db) => {
        const period = month === undefined ? undefined : (await loadCalendar(db)).periodOf(month);
        return listQuarantined(db, { state, heldFor, tenantId, period }, { after: null, limit });
      });
      print(command, events, renderEvents, (listed) => listed.map(toJson));
      if (events.length === limit) {
        note(`Showing the latest ${limit} events. Use --limit to see more.`);
      }
    });
}

function toJson(event: QuarantinedEvent): object {
  return { ...event, remedy: remedyFor(event) };
}

function renderEvents(events: readonly QuarantinedEvent[]): string {
  return renderTable<QuarantinedEvent>(
    [
      { head: 'number', align: 'right', value: (row) => row.quarantine_id },
      { head: 'held for', value: (row) => reasonText(row.held_for) },
      { head: 'tenant', value: (row) => row.tenant_id },
      { head: 'deployment', value: (row) => row.deployment_id },
      { head: 'model', value: (row) => row.model },
      { head: 'at', value: (row) => row.occurred_at },
      { head: 'charge', align: 'right', value: chargeText },
      { head: 'state', value: (row) => row.state },
      { head: 'detail', wrap: true, value: (row) => row.decision?.reason ?? row.detail },
    ],
    events,
    'No events match.',
  );
}

export function quarantineShowCommand(): Command {
  return new Command('show')
    .description('show usage that was sent and could not be accepted, and what to do about it')
    .argument('<event>', 'number of the event in `quarantine list`', quarantineIdArgument)
    .addHelpText('after', '\nExample:\n  npm run cli -- quarantine show 17')
    .action(async (id: number, _options, command: Command) => {
      const event = await withDatabase(readEnvironment(process.env), (db) =>
        showQuarantined(db, id),
      );
      if (event === null) throw new CliError(`There is no quarantined event ${id}`);
      print(command, event, renderEvent, toJson);
    });
}

function renderEvent(event: QuarantinedEvent): string {
  const { decision } = event;
  const remedy = remedyFor(event);
  return [
    `Event ${event.quarantine_id} is ${event.state}.`,
    `Reason: ${reasonText(event.held_for)}: ${event.detail}`,
    ...(decision === null
      ? []
      : [`Decided by ${decision.actor} at ${decision.decided_at}: ${decision.reason}`]),
    ...(decision?.assigned == null
      ? []
      : [`Released with other fields: ${JSON.stringify(decision.assigned)}`]),
    `Received: ${event.received_at}${event.gateway_key === null ? '' : ` from key ${event.gateway_key}`}`,
    `Id: ${event.source_id}`,
    `Charge: ${chargeText(event)}`,
    `Fields: ${JSON.stringify(event.fields)}`,
    ...(remedy === null ? [] : ['', remedy]),
  ].join('\n');
}
