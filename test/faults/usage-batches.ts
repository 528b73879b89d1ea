import { parseDecimalSum, toDecimalString } from '../../src/domain/decimal.ts';
import type { Random } from '../../dev/random.ts';
import { EARLIER_MONTH, MONTH, NEXT_MONTH, type Tenant } from './population.ts';

export type Source = 'llm' | 'metered';

/** An event as its sender remembers it. */
export interface SentEvent {
  readonly id: string;
  readonly source: Source;
  readonly tenantId: string;
  readonly deploymentId: string;
  readonly resourceKind: string;
  readonly month: string;
  /** Exact: the cents or the quantity that it adds; a correction adds a difference. */
  readonly adds: string;
}

/** What the API has to answer for one entry of a batch. */
export type Expected = 'taken' | 'conflict' | 'rejected';

export interface BatchEntry {
  readonly body: object;
  readonly expected: Expected;
  /** Null for an entry that must not be stored. */
  readonly event: SentEvent | null;
}

/** Makes one batch after the other; which ones depends on nothing but its seed. */
export interface BatchMaker {
  next(): readonly BatchEntry[];
}

export interface BatchMakerOptions {
  readonly source: Source;
  /** Begins every id. */
  readonly sender: string;
  readonly tenants: readonly Tenant[];
  readonly random: Random;
}

const METERED_KINDS = [
  'droplet_hours',
  'llm_tokens',
  'spaces_gb_month',
  'snapshots',
  // One that no plan has.
  'egress_gb',
] as const;
const MODELS = ['large-2', 'medium-2', 'small-1'];
/** Batches whose events may be sent again, contradicted or corrected. */
const REMEMBERED_ENTRIES = 200;
const LARGEST_BATCH = 40;

type Taken = BatchEntry & { readonly event: SentEvent };

export function createBatchMaker(options: BatchMakerOptions): BatchMaker {
  const { source, sender, tenants, random } = options;
  const deployments = tenants.flatMap(({ tenantId, deploymentIds }) =>
    deploymentIds.map((deploymentId) => ({ tenantId, deploymentId })),
  );
  /** Of earlier batches, which are acknowledged by now. */
  let earlier: Taken[] = [];
  /** Records that were replaced: each is replaced once. */
  const replaced = new Set<string>();
  let lastId = 0;

  function pick<T>(choices: readonly T[]): T {
    const choice = choices[random.integer(0, choices.length - 1)];
    if (choice === undefined) throw new Error('there is nothing to choose from');
    return choice;
  }

  function fresh(): Taken {
    const { tenantId, deploymentId } = pick(deployments);
    const id = `${sender}-${(lastId += 1)}`;
    const month = pickMonth(random);
    const common = {
      tenant_id: tenantId,
      deployment_id: deploymentId,
      occurred_at: `${month}-${String(random.integer(1, 28)).padStart(2, '0')}T12:00:00Z`,
    };
    const resourceKind = source === 'llm' ? 'llm_usage' : pick(METERED_KINDS);
    const amount = pickAmount(random, source === 'llm' ? 40 : 400);
    const body =
      source === 'llm'
        ? { gateway_request_id: id, ...common, model: MODELS[lastId % 3], charge_cents: amount }
        : { record_id: id, ...common, resource_kind: resourceKind, qty: amount };
    const event = { id, source, tenantId, deploymentId, resourceKind, month, adds: amount };
    return { body, expected: 'taken', event };
  }

  /** A record that replaces an earlier one. */
  function correction({ body, event }: Taken): Taken {
    const id = `${sender}-${(lastId += 1)}`;
    const qty = pickAmount(random, 400);
    const before = (body as { readonly qty: string }).qty;
    const adds = toDecimalString(parseDecimalSum(qty).minus(parseDecimalSum(before)));
    replaced.add(event.id);
    return {
      body: { ...body, record_id: id, qty, replaces: event.id },
      expected: 'taken',
      event: { ...event, id, adds },
    };
  }

  /** The id of an earlier event with another content. */
  function contradiction({ body }: Taken): BatchEntry {
    const amount = source === 'llm' ? { charge_cents: '99999.5' } : { qty: '99999.5' };
    return { body: { ...body, ...amount }, expected: 'conflict', event: null };
  }

  function unknownDeployment(): BatchEntry {
    const { body } = fresh();
    return {
      body: { ...body, deployment_id: 'nobody-s' },
      expected: 'rejected',
      event: null,
    };
  }

  function entry(): BatchEntry {
    const choice = random.integer(1, 100);
    if (choice <= 1) return unknownDeployment();
    const known = earlier.length === 0 ? null : pick(earlier);
    if (known === null) return fresh();
    if (choice <= 3) return contradiction(known);
    if (choice <= 12) return known;
    if (choice <= 20 && source === 'metered' && !replaced.has(known.event.id)) {
      return correction(known);
    }
    return fresh();
  }

  return {
    next() {
      const size = random.integer(1, 4) === 1 ? 1 : random.integer(2, LARGEST_BATCH);
      const batch = Array.from({ length: size }, entry);
      const taken = batch.filter((each): each is Taken => each.event !== null);
      // The same event twice in one batch.
      const [again] = taken;
      if (again && size > 1 && random.integer(1, 3) === 1) batch.push(again);
      earlier = [...earlier, ...taken].slice(-REMEMBERED_ENTRIES);
      return batch;
    },
  };
}

/** Most of the month that is closed; some late for the month before, some of the one after. */
function pickMonth(random: Random): string {
  const choice = random.integer(1, 20);
  if (choice <= 2) return EARLIER_MONTH;
  return choice === 3 ? NEXT_MONTH : MONTH;
}

/** A decimal with up to 12 places. */
function pickAmount(random: Random, max: number): string {
  const places = random.integer(0, 12);
  const whole = random.integer(0, max);
  if (places === 0) return String(whole);
  const fraction = Array.from({ length: places }, () => random.integer(0, 9)).join('');
  return `${whole}.${fraction}`;
}
