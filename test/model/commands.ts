import fc from 'fast-check';
import { expect } from 'vitest';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { sql } from '../../src/db/sql.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { expectSameLedger } from './compare.ts';
import {
  DEPLOYMENT_COUNT,
  KINDS,
  MONTH_COUNT,
  PLANS,
  TENANT_COUNT,
  type Deployment,
  type PlanName,
} from './fleet.ts';
import {
  monthText,
  standing,
  type ForceTerms,
  type Invoice,
  type Model,
  type Run,
  type UsageEvent,
} from './model.ts';
import { acceptForce, markVoid, planPass, type Acceptance } from './month-end-rules.ts';
import { expectAsPreviewed, previewRun } from './previews.ts';
import type { Real } from './real.ts';
import { STEPS, advance, startRun } from './runs.ts';
import { INSTANTS, toPayload } from './sending.ts';
import { exclude, ingest, type Sent } from './usage-rules.ts';

/**
 * What can happen to the ledger. Each command does the same to the model and to the product, and
 * compares all that both hold then. They know earlier events, invoices and runs by "the n-th last",
 * so that a sequence still makes sense when commands before are taken away.
 */
export type LedgerCommand = fc.AsyncCommand<Model, Real>;

interface Definition {
  readonly text: string;
  readonly check?: (model: Readonly<Model>) => boolean;
  readonly run: (model: Model, real: Real) => Promise<void>;
}

function command({ text, check = () => true, run }: Definition): LedgerCommand {
  return {
    check,
    async run(model, real) {
      await run(model, real);
      await expectSameLedger(model, real);
    },
    toString: () => text,
  };
}

/** The n-th last, round and round. */
function nthLast<T>(items: readonly T[], n: number): T {
  const item = items.at(-1 - (n % items.length));
  if (item === undefined) throw new Error('the command was not checked');
  return item;
}

/** Mostly the last one, with which something has just been done. */
const nth = fc.oneof(fc.constant(0), fc.nat({ max: 7 }));
/** Much of it in the same place: things happen where there is something. */
const month = fc.constantFrom(0, 0, 0, 0, 1, 1, 2);
const tenantSets = fc.constantFrom([0], [0], [0], [1], [2], [0, 1, 2]);

function tenantsOf({ fleet }: Model, indexes: readonly number[]): readonly string[] {
  return fleet.tenants.filter((_, index) => indexes.includes(index));
}

function deploymentOf({ fleet }: Model, index: number): Deployment {
  const deployment = fleet.deployments[index];
  if (!deployment) throw new Error(`there is no deployment ${index}`);
  return deployment;
}

const letters = (tenants: readonly number[]) => tenants.map((index) => 'ABC'[index]).join('');

// --- Usage -------------------------------------------------------------------------------------

interface UsageTerms {
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

const usageTerms: fc.Arbitrary<UsageTerms> = fc
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

function newId(model: Model): string {
  model.lastId += 1;
  return `${model.fleet.tenants[0]}-${model.lastId}`;
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
function sendLate(
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

function sendMore(model: Model, real: Real, like: UsageEvent, amount: string): Promise<void> {
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

async function takeOut(real: Real, event: UsageEvent): Promise<void> {
  const { source, id: eventId } = event;
  const expected = exclude(event);
  const request = { source, eventId, actor: 'olga', reason: 'a test' };
  const result = await excludeEvent(real.world.db, request);
  if (result.outcome !== 'excluded') expect(result.outcome).toBe(expected);
  else expect(result.isNew ? 'new' : 'known').toBe(expected);
}

// --- Month end ---------------------------------------------------------------------------------

const cuts = fc.oneof(
  { weight: 3, arbitrary: fc.constant(STEPS.length) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: STEPS.length - 1 }) },
);
const cutText = (end: number) =>
  end === STEPS.length ? '' : `, cut off after ${STEPS[end - 1] ?? ''}`;

/** Runs to the end, and issues what was previewed; or is cut off before a step. */
async function build(model: Model, real: Real, run: Run, end: number): Promise<void> {
  if (end < STEPS.length) return advance(model, real, run, end);
  const previews = await previewRun(model, real, run);
  await advance(model, real, run);
  expectAsPreviewed(model, run, previews);
}

const close = fc.tuple(month, tenantSets, cuts).map(([index, tenants, end]) =>
  command({
    text: `close month ${index} of ${letters(tenants)}${cutText(end)}`,
    run: (model, real) =>
      build(model, real, startRun(model, index, tenantsOf(model, tenants)), end),
  }),
);

async function accept(model: Model, real: Real, terms: ForceTerms): Promise<Acceptance> {
  const { id, tenants, onlyIfChanged, acceptBounds } = terms;
  const result = await real.world.activities.acceptRequest({
    month: monthText(model, terms.month),
    signal: 'forceReRun',
    payload: {
      requestId: id,
      reason: 'a test',
      ...(tenants === null ? { all: true } : { tenantIds: tenants }),
      ...(onlyIfChanged && { onlyIfChanged }),
      ...(acceptBounds && { acceptBounds }),
    },
    signalId: 'unused',
  });
  const expected = acceptForce(model, terms);
  if (!result.accepted) expect(result.accepted).toBe(expected.accepted);
  else {
    const { waiting, urgentTenantIds, refusals } = result;
    const told = { accepted: true, waiting, urgentTenantIds, refusals: refusals.length };
    expect(told).toEqual(expected);
  }
  return expected;
}

const forceTerms = fc.record({
  onlyIfChanged: fc.boolean(),
  acceptBounds: fc.boolean(),
  /** An earlier request, by its id; null: a new one. */
  again: fc.option(nth, { freq: 8 }),
  /** None: nobody serves the request yet. */
  end: fc.oneof({ weight: 5, arbitrary: cuts }, { weight: 1, arbitrary: fc.constant(0) }),
});

interface ForceOptions {
  readonly onlyIfChanged: boolean;
  readonly acceptBounds: boolean;
  readonly again: number | null;
  readonly end: number;
}

function forceText({ onlyIfChanged, acceptBounds, again, end }: ForceOptions): string {
  return [
    onlyIfChanged ? ', only if changed' : '',
    acceptBounds ? ', accepting bounds' : '',
    again === null ? '' : `, by the id of the ${again}. last request`,
    end === 0 ? ', and nobody serves it yet' : cutText(end),
  ].join('');
}

async function forceAndBuild(
  model: Model,
  real: Real,
  target: Pick<ForceTerms, 'month' | 'tenants'>,
  { onlyIfChanged, acceptBounds, again, end }: ForceOptions,
): Promise<void> {
  const before = again === null || model.requests.length === 0 ? null : again;
  const id = before === null ? newId(model) : nthLast(model.requests, before).id;
  const { month: index, tenants } = target;
  const terms = { id, month: index, tenants, onlyIfChanged, acceptBounds };
  const accepted = await accept(model, real, terms);
  if (!accepted.accepted || end === 0) return;
  await build(model, real, startRun(model, index, tenants ?? model.fleet.tenants), end);
}

const force = fc
  .tuple(month, fc.oneof({ weight: 6, arbitrary: tenantSets }, fc.constant(null)), forceTerms)
  .map(([index, tenants, terms]) => {
    // Bounds are accepted for tenants by name only.
    const options = { ...terms, acceptBounds: terms.acceptBounds && tenants !== null };
    const forced = tenants === null ? 'all' : letters(tenants);
    return command({
      text: `force month ${index} of ${forced}${forceText(options)}`,
      run(model, real) {
        const named = tenants === null ? null : tenantsOf(model, tenants);
        return forceAndBuild(model, real, { month: index, tenants: named }, options);
      },
    });
  });

/** A re-run for a reason: usage has come late for the invoice, or some of what it bills is excluded. */
const forceInvoice = fc
  .record({
    n: nth,
    late: fc.array(usageTerms, { maxLength: 2 }),
    /** Late usage has the same kind as the n-th last event that it bills; null: any kind. */
    like: fc.option(nth, { freq: 1 }),
    excluded: fc.option(nth, { freq: 4 }),
    options: forceTerms,
  })
  .map(({ n, late, like, excluded, options }) =>
    command({
      text: [
        ...late.map(({ amount, kind }) =>
          like === null
            ? `${amount} ${kind} comes late; `
            : `${amount} more of the ${like}. last event billed comes late; `,
        ),
        excluded === null ? '' : `the ${excluded}. last event billed is excluded; `,
        `force the ${n}. last invoice${forceText(options)}`,
      ].join(''),
      check: ({ invoices }) => invoices.length > 0,
      async run(model, real) {
        const { draft, lines, tenant, month: index } = nthLast(model.invoices, n);
        const billed = model.events.filter(({ holder }) => holder === draft);
        const overage = billed.filter(({ kind, deployment }) =>
          lines.some((line) => line.resourceKind === kind && line.deployment === deployment.id),
        );
        // Above a cap, more of it changes nothing but what the line says was used.
        const known = overage.length > 0 ? overage : billed;
        const same = like === null || known.length === 0 ? null : nthLast(known, like);
        for (const terms of late) {
          if (same) await sendMore(model, real, same, terms.amount);
          else await sendLate(model, real, terms, tenant, index);
        }
        if (excluded !== null && billed.length > 0) {
          await takeOut(real, nthLast(billed, excluded));
        }
        await forceAndBuild(model, real, { month: index, tenants: [tenant] }, options);
      },
    }),
  );

/** The same request once more, as a sender does who got no answer. */
const repeatRequest = fc.tuple(nth, cuts).map(([n, end]) =>
  command({
    text: `send the ${n}. last request again${cutText(end)}`,
    check: ({ requests }) => requests.length > 0,
    async run(model, real) {
      const { terms } = nthLast(model.requests, n);
      await accept(model, real, terms);
      const run = startRun(model, terms.month, terms.tenants ?? model.fleet.tenants);
      await build(model, real, run, end);
    },
  }),
);

/** A run that was cut off, or is over, is tried again; by then others may have been at work. */
const retry = fc
  .tuple(nth, fc.constantFrom('with its next step', 'with its last step', 'from the start'))
  .map(([n, how]) =>
    command({
      text: `the ${n}. last run continues ${how}`,
      check: ({ runs }) => runs.length > 0,
      async run(model, real) {
        const run = nthLast(model.runs, n);
        if (how === 'from the start' || run.position === STEPS.length) run.position = 0;
        else if (how === 'with its last step') run.position = Math.max(run.position - 1, 0);
        await advance(model, real, run);
      },
    }),
  );

type Happening = 'first' | 'second' | 'void';
const turns: readonly Happening[] = ['first', 'second'];

/** Two runs at the same tenants, step by step in some order. */
const overlap = fc
  .tuple(month, tenantSets, fc.array(fc.constantFrom(...turns), { maxLength: 8 }))
  .map(([index, tenants, order]) =>
    command({
      text: `two runs of month ${index} of ${letters(tenants)}, in the order ${order.join(', ')}`,
      run: (model, real) => runTwo(model, real, index, tenantsOf(model, tenants), order),
    }),
  );

/** The same for an existing invoice, by force; it may be voided at the same time. */
const overlapForced = fc
  .tuple(nth, fc.array(fc.constantFrom(...turns, ...turns, ...turns, 'void'), { maxLength: 6 }))
  .map(([n, order]) =>
    command({
      text: `two forced runs at the ${n}. last invoice, in the order ${order.join(', ')}`,
      check: ({ invoices }) => invoices.length > 0,
      async run(model, real) {
        const { tenant, month: index } = nthLast(model.invoices, n);
        const terms = { month: index, tenants: [tenant], onlyIfChanged: false, acceptBounds: true };
        await accept(model, real, { id: newId(model), ...terms });
        await runTwo(model, real, index, [tenant], order);
      },
    }),
  );

async function runTwo(
  model: Model,
  real: Real,
  index: number,
  tenants: readonly string[],
  order: readonly Happening[],
): Promise<void> {
  const first = startRun(model, index, tenants);
  const second = startRun(model, index, tenants);
  for (const what of order) {
    if (what === 'void') {
      const invoice = standing(model, tenants[0] ?? '', index);
      if (invoice) await voidOf(real, invoice);
    } else {
      const run = what === 'first' ? first : second;
      await advance(model, real, run, run.position + 1);
    }
  }
  await advance(model, real, first);
  await advance(model, real, second);
}

/** Closes a month as its workflow does: a pass over every due tenant, after which the books balance. */
const pass = month.map((index) =>
  command({
    text: `a pass over month ${index}`,
    async run(model, real) {
      const { activities } = real.world;
      const text = monthText(model, index);
      const requestId = newId(model);
      await activities.acceptRequest({
        month: text,
        signal: 'run',
        payload: { requestId },
        signalId: 'unused',
      });
      const begun = await activities.beginPass({ month: text });
      if (begun === null) throw new Error('there is no pass to begin');
      const { startedAt: passStartedAt, upToSeq } = begun;
      const page = { month: text, passStartedAt, after: null, limit: TENANT_COUNT };
      const { tenantIds } = await activities.planPage(page);
      const expected = planPass(model, index);
      expect(tenantIds).toEqual(expected);
      for (const tenant of tenantIds) {
        await build(model, real, startRun(model, index, [tenant]), STEPS.length);
      }
      expect(await activities.listWaiting({ month: text, upToSeq })).toEqual({ tenantIds: [] });
      const { imbalances } = await activities.finishPass({ month: text, upToSeq });
      expect(imbalances).toEqual([]);
      for (const request of model.requests) if (request.month === index) request.isFinished = true;
    },
  }),
);

const voidOne = nth.map((n) =>
  command({
    text: `void the ${n}. last invoice`,
    check: ({ invoices }) => invoices.length > 0,
    run: (model, real) => voidOf(real, nthLast(model.invoices, n)),
  }),
);

async function voidOf(real: Real, invoice: Invoice): Promise<void> {
  const result = await voidInvoice(real.world.db, {
    invoiceId: invoice.draft.id,
    actor: 'olga',
    reason: 'a test',
  });
  expect(result.outcome).toBe(markVoid(invoice));
}

// --- The world outside -------------------------------------------------------------------------

/** The platform applies another plan, a bad one, or none. */
const changePlan = fc
  .tuple(
    fc.nat({ max: DEPLOYMENT_COUNT - 1 }),
    fc.constantFrom<PlanName | null>('small', 'large', 'small', 'large', null, 'foreign'),
  )
  .map(([index, plan]) =>
    command({
      text: `deployment ${index} is on ${plan === null ? 'no plan' : `the ${plan} plan`}`,
      async run(model, real) {
        const { id, subscriptionId } = deploymentOf(model, index);
        model.plans.set(id, plan);
        await real.world.db.query(sql.typeAlias('nothing')`
          UPDATE subscriptions SET plan_version_id = ${plan === null ? null : PLANS[plan].id}
          WHERE subscription_id = ${subscriptionId}`);
      },
    }),
  );

/** Makes the drafts that are still open count as forgotten. */
const timePasses = fc.constant(
  command({
    text: 'two days pass',
    check: ({ drafts }) => drafts.some(({ state }) => state === 'open'),
    async run(model, real) {
      for (const draft of model.drafts) if (draft.state === 'open') draft.isForgotten = true;
      await real.superuser.query(
        `UPDATE invoice_drafts SET opened_at = opened_at - interval '2 days'
         WHERE state = 'open' AND tenant_id = ANY($1)`,
        [model.fleet.tenants],
      );
    },
  }),
);

/** Each as often as it is there. */
export const anyCommand: readonly fc.Arbitrary<LedgerCommand>[] = [
  ...[ingestOne, ingestOne, ingestBatch, ingestBatch, ingestMore, ingestMore, ingestLate],
  ...[resend, correct, correct, excludeOne, excludeOne, voidOne],
  ...[close, close, close, force, forceInvoice, forceInvoice, forceInvoice],
  ...[repeatRequest, retry, retry, overlap, overlapForced, pass],
  ...[changePlan, timePasses],
];
