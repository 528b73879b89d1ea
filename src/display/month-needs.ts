import { counted, formatMoney, groupDigits } from '../domain/format.ts';

/** How a month stands, in one line, and what needs a person: the same words on pages and in the CLI. */

/** What decides it, as the API serves the status of a month. */
export interface MonthFacts {
  readonly due_tenants: number;
  /** The latest outcome of each due tenant. */
  readonly outcomes: {
    readonly rolled: number;
    readonly adjusted: number;
    readonly skipped: number;
    readonly unchanged: number;
    readonly nothing_to_bill: number;
    readonly parked: number;
  };
  /** Due tenants without an outcome. */
  readonly not_looked_at: number;
  /** The newest first. */
  readonly requests: readonly {
    readonly state: 'queued' | 'running' | 'finished';
    readonly refused: readonly object[];
  }[];
  /** The last invoices of parked tenants, by currency; minor units as text. */
  readonly at_stake: readonly { readonly currency: string; readonly total_cents: string }[];
  readonly review: { readonly waiting: number };
  /** Whether its last instant has passed, so that it can be closed. */
  readonly is_over: boolean;
  /** Null: they need not add up yet. */
  readonly balanced: boolean | null;
  /** Usage of the month that could not be accepted. */
  readonly quarantined: readonly { readonly events: number }[];
  /** Requests that a restore has lost, in sentences. */
  readonly lost: readonly string[];
}

export interface Need {
  readonly kind:
    'lost' | 'unrequested' | 'books' | 'parked' | 'not_processed' | 'refused' | 'release' | 'held';
  /** How many tenants need it; 1 for what isn't about single tenants. */
  readonly count: number;
  /** A sentence without its full stop. */
  readonly text: string;
}

/** Returns what a person must do about a month, the most urgent first. */
export function needsOf(facts: MonthFacts): readonly Need[] {
  const { outcomes, not_looked_at, requests, at_stake, balanced, quarantined } = facts;
  const { waiting } = facts.review;
  const held = quarantined.reduce((sum, { events }) => sum + events, 0);
  const refused = requests.find(({ state }) => state === 'finished')?.refused.length ?? 0;
  const isClosed = requests.length > 0 && !isClosing(facts);
  const one = (kind: Need['kind'], text: string): Need => ({ kind, count: 1, text });
  return [
    ...facts.lost.map((sentence) => one('lost', sentence.replace(/\.$/, ''))),
    ...(requests.length === 0 && facts.is_over
      ? [one('unrequested', 'Nothing has requested the month end')]
      : []),
    ...(balanced === false ? [one('books', 'The books don’t add up')] : []),
    ...ofTenants('parked', outcomes.parked, (parked) => {
      const are = parked === 1 ? 'is' : 'are';
      return `${counted(parked, 'tenant')} ${are} parked${stakeText(parked, at_stake)}`;
    }),
    ...ofTenants('not_processed', isClosed ? not_looked_at : 0, (due) => {
      const have = due === 1 ? 'has' : 'have';
      return `${counted(due, 'due tenant')} ${have} no outcome yet`;
    }),
    ...ofTenants(
      'refused',
      refused,
      (count) => `The last request was refused for ${counted(count, 'tenant')}`,
    ),
    ...(waiting === 0
      ? []
      : [
          one(
            'release',
            `${counted(waiting, 'invoice')} ${waiting === 1 ? 'waits' : 'wait'} for release`,
          ),
        ]),
    ...(held === 0
      ? []
      : [
          one(
            'held',
            `${counted(held, 'event')} of the month ${held === 1 ? 'is' : 'are'} held in quarantine, not billed`,
          ),
        ]),
  ];
}

function ofTenants(
  kind: Need['kind'],
  count: number,
  text: (count: number) => string,
): readonly Need[] {
  return count === 0 ? [] : [{ kind, count, text: text(count) }];
}

/** The money at stake: ` (last invoice AUD 70.00)`. */
function stakeText(tenants: number, atStake: MonthFacts['at_stake']): string {
  if (atStake.length === 0) return '';
  const sums = atStake.map(({ total_cents, currency }) => formatMoney(total_cents, currency));
  const what = tenants === 1 ? 'last invoice' : 'last invoices';
  return ` (${what} ${sums.join(' and ')})`;
}

/** Returns whether a request is waiting or running. */
export function isClosing({ requests }: Pick<MonthFacts, 'requests'>): boolean {
  return requests.some(({ state }) => state !== 'finished');
}

/** Returns the line that leads: `279 of 280 invoiced, 1 needs you`. */
export function headlineOf(facts: MonthFacts): string {
  const { due_tenants: due, outcomes, requests } = facts;
  const { rolled, adjusted, skipped, unchanged, nothing_to_bill: empty } = outcomes;
  const invoiced = rolled + adjusted + skipped + unchanged;
  const needs = needsOf(facts).reduce((sum, { count }) => sum + count, 0);
  const parts = [
    requests.length === 0
      ? dueText(due)
      : due === 0
        ? 'No tenant is due'
        : `${invoiced === due && due > 1 && !isClosing(facts) ? `All ${groupDigits(due)}` : `${groupDigits(invoiced)} of ${groupDigits(due)}`} invoiced`,
    ...(empty === 0 ? [] : [`${groupDigits(empty)} with nothing to bill`]),
    ...(needs === 0 ? [] : [`${groupDigits(needs)} ${needs === 1 ? 'needs' : 'need'} you`]),
  ];
  const state = isClosing(facts) ? 'Closing: ' : facts.is_over ? '' : 'Not over yet: ';
  return `${state}${parts.join(', ')}`;
}

function dueText(due: number): string {
  if (due === 0) return 'No tenant is due';
  return `${counted(due, 'tenant')} ${due === 1 ? 'is' : 'are'} due`;
}

/** Returns the state of a request in a word. */
export function requestStateText(state: MonthFacts['requests'][number]['state']): string {
  return { queued: 'waiting', running: 'running', finished: 'done' }[state];
}
