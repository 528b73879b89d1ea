import fc from 'fast-check';
import { expect } from 'vitest';
import {
  command,
  letters,
  month,
  nth,
  nthLast,
  tenantSets,
  tenantsOf,
  type LedgerCommand,
} from './command.ts';
import { TENANT_COUNT } from './fleet.ts';
import { creditLine, payInvoice, voidOne } from './hand-actions.ts';
import { monthText, newId, type ForceTerms, type Model, type Run } from './model.ts';
import { planPass } from './opening-rules.ts';
import { expectAsPreviewed, previewRun } from './previews.ts';
import type { Real } from './real.ts';
import { acceptForce, type Acceptance } from './request-rules.ts';
import { STEPS, advance, startRun } from './runs.ts';
import { standing } from './standing-rules.ts';
import { sendLate, sendMore, takeOut, usageTerms } from './usage-commands.ts';

/** Months that are closed, forced, cut off, repeated and run twice at a time. */

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
  /** 0: no run serves the request yet. */
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
    /** What was done to it before. */
    before: fc.constantFrom('nothing', 'nothing', 'paid', 'paid', 'void'),
    options: forceTerms,
  })
  .map(({ n, late, like, excluded, before, options }) =>
    command({
      text: [
        before === 'nothing' ? '' : `the ${n}. last invoice is ${before}; `,
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
        const invoice = nthLast(model.invoices, n);
        const { draft, lines, tenant, month: index } = invoice;
        if (before === 'paid') await payInvoice(real, model, invoice, 'in full');
        if (before === 'void') await voidOne(real, model, invoice);
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

/** What operators do while a run is between two of its steps. */
const HAPPENINGS = ['paid', 'void', 'credited'] as const;
type Turn = 'first' | 'second' | (typeof HAPPENINGS)[number];
const turns: readonly Turn[] = ['first', 'second'];

/** Two runs at the same tenants, step by step in some order. */
const overlap = fc
  .tuple(month, tenantSets, fc.array(fc.constantFrom(...turns), { maxLength: 8 }))
  .map(([index, tenants, order]) =>
    command({
      text: `two runs of month ${index} of ${letters(tenants)}, in the order ${order.join(', ')}`,
      run: (model, real) => runTwo(model, real, index, tenantsOf(model, tenants), order),
    }),
  );

/** The same for an existing invoice, by force. Meanwhile it may be paid, voided or credited. */
const overlapForced = fc
  .tuple(
    nth,
    fc.array(fc.constantFrom(...turns, ...turns, ...turns, ...HAPPENINGS), { maxLength: 6 }),
  )
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
  order: readonly Turn[],
): Promise<void> {
  const runs = {
    first: startRun(model, index, tenants),
    second: startRun(model, index, tenants),
  };
  for (const turn of order) {
    const invoice = standing(model, tenants[0] ?? '', index);
    if (turn === 'first' || turn === 'second') {
      const run = runs[turn];
      await advance(model, real, run, run.position + 1);
    } else if (invoice !== null) {
      if (turn === 'paid') await payInvoice(real, model, invoice, 'in part');
      else if (turn === 'void') await voidOne(real, model, invoice);
      else await creditLine(real, model, invoice, { n: 0, share: 'a part' });
    }
  }
  await advance(model, real, runs.first);
  await advance(model, real, runs.second);
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

/** Each as often as it is there. */
export const monthEndCommands: readonly fc.Arbitrary<LedgerCommand>[] = [
  ...[close, close, close, force, forceInvoice, forceInvoice, forceInvoice],
  ...[repeatRequest, retry, retry, overlap, overlapForced, pass],
];
