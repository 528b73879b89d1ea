import fc from 'fast-check';
import { expect } from 'vitest';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { command, deploymentOf, month, nth, nthLast, type LedgerCommand } from './command.ts';
import { DEPLOYMENT_COUNT, KINDS, MONTH_COUNT } from './fleet.ts';
import { newId, type Model, type UsageEvent } from './model.ts';
import type { Real } from './real.ts';
import { INSTANTS, toPayload } from './sending.ts';
import { exclude, ingest, type Sent } from './usage-rules.ts';

/** Usage that is sent, repeated, corrected and excluded. */

export interface UsageTerms {
  readonly deployment: number;
  /** `llm_usage`, or a metered kind. */
  readonly kind: string;
  readonly month: number;
  readonly when: number;
  readonly amount: string;
  readonly isMisaddressed: boolean;
}

const milli = (max: number) => fc.nat({ max: max * 1000 }).map((n) => String(n / 1000));
const charge = fc.oneof(
  { weight: 4, arbitrary: milli(20) },
  { weight: 2, arbitrary: fc.nat({ max: 3000 }).map(String) },
  // Beyond ten times a small invoice.
  { weight: 2, arbitrary: fc.integer({ min: 9_000, max: 200_000 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('0', '0.5', '0.499999999999', '0.000000000001') },
);
const quantity = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 60 }).map(String) },
  { weight: 2, arbitrary: milli(60) },
  { weight: 2, arbitrary: fc.nat({ max: 9000 }).map(String) },
);

export const usageTerms: fc.Arbitrary<UsageTerms> = fc
  .oneof(
    { weight: 2, arbitrary: fc.constant('llm_usage') },
    { weight: 3, arbitrary: fc.constantFrom('hours', 'hours', ...KINDS) },
  )
  .chain((kind) =>
    fc.record({
      deployment: fc.constantFrom(...[0, 0, 0, 0, 1, 2], DEPLOYMENT_COUNT - 1),
      kind: fc.constant(kind),
      month,
      when: fc.nat({ max: INSTANTS - 1 }),
      amount: kind === 'llm_usage' ? charge : quantity,
      isMisaddressed: fc.oneof(
        { weight: 30, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
    }),
  );

function toSent(model: Model, terms: UsageTerms): Sent {
  const deployment = deploymentOf(model, terms.deployment);
  const others = model.fleet.tenants.filter((tenant) => tenant !== deployment.tenant);
  return {
    ...terms,
    source: terms.kind === 'llm_usage' ? 'llm' : 'metered',
    id: newId(model),
    deployment,
    tenant: terms.isMisaddressed ? (others[0] ?? '') : deployment.tenant,
    replaces: null,
  };
}

const shown = ({ deployment, kind, month: index, amount, isMisaddressed }: UsageTerms) =>
  `${isMisaddressed ? 'misaddressed ' : ''}${amount} ${kind} of deployment ${deployment} in month ${index}`;

/** Sends a batch of one source, and compares the answers. */
async function send(
  model: Model,
  real: Real,
  batch: readonly Sent[],
  options?: { readonly isRespelled: boolean },
): Promise<void> {
  const [first] = batch;
  if (!first) return;
  const results = await real.ingestion.ingest(
    first.source,
    batch.map((sent) => toPayload(model, sent, options)),
  );
  expect(results.map(({ status }) => status)).toEqual(ingest(model, batch));
  for (const sent of batch) if (!model.sent.some(({ id }) => id === sent.id)) model.sent.push(sent);
}

const ingestOne = usageTerms.map((terms) =>
  command({
    text: `ingest ${shown(terms)}`,
    run: (model, real) => send(model, real, [toSent(model, terms)]),
  }),
);

/** Usage for a month that was invoiced before, of whatever status the invoice is by now. */
const ingestLate = fc.tuple(usageTerms, nth).map(([terms, n]) =>
  command({
    text: `ingest ${terms.amount} ${terms.kind} late for the ${n}. last invoice`,
    check: ({ invoices }) => invoices.length > 0,
    run(model, real) {
      const { tenant, month: index } = nthLast(model.invoices, n);
      return sendLate(model, real, terms, tenant, index);
    },
  }),
);

/** Of the tenant's first deployment, whatever the terms say. */
export function sendLate(
  model: Model,
  real: Real,
  terms: UsageTerms,
  tenant: string,
  index: number,
): Promise<void> {
  const deployment = model.fleet.deployments.findIndex((each) => each.tenant === tenant);
  return send(model, real, [toSent(model, { ...terms, deployment, month: index })]);
}

/** More of the same usage, in an event of its own. */
const ingestMore = fc.tuple(nth, fc.oneof(charge, quantity)).map(([n, amount]) =>
  command({
    text: `ingest ${amount} more of the same usage as the ${n}. last event`,
    check: ({ events }) => events.length > 0,
    run: (model, real) => sendMore(model, real, nthLast(model.events, n), amount),
  }),
);

export function sendMore(
  model: Model,
  real: Real,
  like: UsageEvent,
  amount: string,
): Promise<void> {
  const { source, deployment, kind, month: index } = like;
  const place = { source, deployment, kind, month: index, tenant: deployment.tenant };
  return send(model, real, [{ ...place, id: newId(model), when: 0, amount, replaces: null }]);
}

/** One request with several events; the last of them may repeat the first. */
const ingestBatch = fc
  .tuple(
    fc.array(usageTerms, { minLength: 3, maxLength: 6, size: 'max' }),
    fc.constantFrom('', 'repeated', 'contradicted'),
  )
  .map(([batch, twist]) =>
    command({
      text: `ingest a batch [${batch.map(shown).join(' | ')}]${twist && `, the first ${twist}`}`,
      async run(model, real) {
        const all = batch.map((terms) => toSent(model, terms));
        for (const source of ['llm', 'metered'] as const) {
          const own = all.filter((sent) => sent.source === source);
          const [first] = own;
          const again = first && (twist === 'contradicted' ? contradicted(first) : first);
          await send(model, real, again && twist !== '' ? [...own, again] : own);
        }
      },
    }),
  );

const contradicted = (sent: Sent): Sent => ({ ...sent, amount: `1${sent.amount}` });

const resend = fc
  .tuple(nth, fc.constantFrom('as it was', 'in another spelling', 'with another amount'))
  .map(([n, how]) =>
    command({
      text: `send the ${n}. last event again, ${how}`,
      check: ({ sent }) => sent.length > 0,
      async run(model, real) {
        const sent = nthLast(model.sent, n);
        const again = how === 'with another amount' ? contradicted(sent) : sent;
        await send(model, real, [again], { isRespelled: how === 'in another spelling' });
      },
    }),
  );

/** One batch each, except for the last two: they are sent one after the other, the correction's correction first. */
const CORRECTION_SHAPES = [
  ...['once', 'once', 'twice', 'twice, the last one first'],
  ...['twice, the last one too early', 'twice, the last one too early and not sent again'],
] as const;

/** A correction of a record; maybe one of that correction too, and maybe sent before it. */
const correct = fc
  .record({
    n: nth,
    amount: quantity,
    shape: fc.constantFrom(...CORRECTION_SHAPES),
    isMoved: fc.oneof(
      { weight: 15, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
  })
  .map(({ n, amount, shape, isMoved }) =>
    command({
      text: `correct the ${n}. last record to ${amount}, ${shape}${isMoved ? ', in another month' : ''}`,
      check: ({ sent }) => sent.some(({ source }) => source === 'metered'),
      async run(model, real) {
        const records = model.sent.filter(({ source }) => source === 'metered');
        const record = nthLast(records, n);
        const moved = isMoved ? (record.month + 1) % MONTH_COUNT : record.month;
        const tenant = record.deployment.tenant;
        const base = { ...record, tenant, month: moved, amount };
        const first: Sent = { ...base, id: newId(model), replaces: record.id };
        if (shape === 'once') return send(model, real, [first]);
        const second: Sent = {
          ...base,
          id: newId(model),
          amount: `2${amount}`,
          replaces: first.id,
        };
        if (shape === 'twice') return send(model, real, [first, second]);
        if (shape === 'twice, the last one first') return send(model, real, [second, first]);
        await send(model, real, [second]);
        await send(model, real, [first]);
        if (shape === 'twice, the last one too early') await send(model, real, [second]);
      },
    }),
  );

const excludeOne = nth.map((n) =>
  command({
    text: `exclude the ${n}. last event`,
    check: ({ events }) => events.length > 0,
    run: (model, real) => takeOut(real, nthLast(model.events, n)),
  }),
);

export async function takeOut(real: Real, event: UsageEvent): Promise<void> {
  const { source, id: eventId } = event;
  const expected = exclude(event);
  const request = { source, eventId, actor: 'olga', reason: 'a test' };
  const result = await excludeEvent(real.world.db, request);
  if (result.outcome !== 'excluded') expect(result.outcome).toBe(expected);
  else expect(result.isNew ? 'new' : 'known').toBe(expected);
}

/** Each as often as it is there. */
export const usageCommands: readonly fc.Arbitrary<LedgerCommand>[] = [
  ...[ingestOne, ingestOne, ingestBatch, ingestBatch, ingestMore, ingestMore, ingestLate],
  ...[resend, correct, correct, excludeOne, excludeOne],
];
