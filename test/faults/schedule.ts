import { seededRandom, type Random } from '../../dev/random.ts';
import type { Moment } from './postgres-proxy.ts';

/** The kinds of fault, by the names under which they are counted. */
export const FAULTS = {
  workerBeforeBegin: 'worker killed before BEGIN',
  workerBeforeCommit: 'worker killed before COMMIT',
  workerAfterCommit: 'worker killed after COMMIT',
  postgresFast: 'PostgreSQL restarted, fast',
  postgresImmediate: 'PostgreSQL restarted, immediate',
  temporalStop: 'Temporal restarted',
  temporalKill: 'Temporal killed and restarted',
  apiBeforeCommit: 'API killed before COMMIT',
  apiAfterCommit: 'API killed after COMMIT',
  cutBeforeCommit: 'connection cut before COMMIT arrives',
  cutAfterCommit: 'connection cut before COMMIT is answered',
  silence: 'connection silent at COMMIT',
  exhausted: 'no connection to be had',
  burst: 'burst of forced signals',
  hands: 'burst of finance requests',
} as const;
export type FaultKind = keyof typeof FAULTS;
export const FAULT_KINDS = Object.keys(FAULTS) as readonly FaultKind[];

export type Part = 'worker' | 'api';

/** A fault, and when: at the n-th such moment of this process after the fault before. */
export interface Step {
  readonly kind: FaultKind;
  readonly part: Part;
  readonly moment: Moment;
  readonly nth: number;
  /** Signals of a burst; refused connections. */
  readonly size: number;
}

/** All that a seed decides. */
export interface Plan {
  readonly steps: readonly Step[];
  /** Whether the month before is closed as well, beside the other. */
  readonly closesEarlierMonth: boolean;
  /** Whether the seller reviews invoices before tenants see them. */
  readonly isReviewed: boolean;
  readonly workerConnections: number;
  readonly apiConnections: number;
  /** After how many events a month's workflow continues as new. */
  readonly historyEvents: number;
}

/** Each kind is in a schedule once; the rest of it is drawn, so many times as likely as others. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  workerBeforeBegin: 3,
  workerBeforeCommit: 4,
  workerAfterCommit: 4,
  postgresFast: 2,
  postgresImmediate: 2,
  temporalStop: 1,
  temporalKill: 1,
  apiBeforeCommit: 3,
  apiAfterCommit: 2,
  cutBeforeCommit: 3,
  cutAfterCommit: 3,
  silence: 2,
  exhausted: 1,
  burst: 2,
  hands: 3,
};
const WHOLE_SCHEDULE = 32;

export interface PlanOptions {
  readonly seed: number;
  readonly tenants: number;
  /** Each kind once, and no more. */
  readonly isShort: boolean;
}

/** The plan of a seed: the same each time. */
export function planFaults({ seed, tenants, isShort }: PlanOptions): Plan {
  const random = seededRandom(`faults ${seed}`);
  const kinds = [...FAULT_KINDS];
  const lots = FAULT_KINDS.flatMap((kind) => Array<FaultKind>(WEIGHTS[kind]).fill(kind));
  while (!isShort && kinds.length < WHOLE_SCHEDULE) kinds.push(pick(lots, random));
  // A tenant makes four transactions: far fewer than a whole pass between two faults.
  const furthest = Math.max(5, Math.min(160, Math.floor(tenants / 4)));
  return {
    steps: shuffled(kinds, random).map((kind) => planStep(kind, random, furthest)),
    closesEarlierMonth: random.integer(1, 3) === 1,
    isReviewed: isShort || random.integer(1, 2) === 1,
    workerConnections: random.integer(1, 4) === 1 ? 3 : 20,
    apiConnections: random.integer(1, 3) === 1 ? 2 : 10,
    historyEvents: random.integer(300, 1000),
  };
}

function planStep(kind: FaultKind, random: Random, furthest: number): Step {
  const nth = { worker: random.integer(1, furthest), api: random.integer(1, 8) };
  const size = random.integer(4, 12);
  const either: Part = random.integer(0, 1) === 0 ? 'worker' : 'api';
  const anyCommit: Moment = random.integer(0, 1) === 0 ? 'before COMMIT' : 'after COMMIT';
  const at = (part: Part, moment: Moment): Step => ({
    kind,
    part,
    moment,
    nth: nth[part],
    size,
  });
  switch (kind) {
    case 'workerBeforeBegin':
      return at('worker', 'before BEGIN');
    case 'workerBeforeCommit':
      return at('worker', 'before COMMIT');
    case 'workerAfterCommit':
      return at('worker', 'after COMMIT');
    case 'apiBeforeCommit':
      return at('api', 'before COMMIT');
    case 'apiAfterCommit':
      return at('api', 'after COMMIT');
    case 'cutBeforeCommit':
      return at(either, 'before COMMIT');
    case 'cutAfterCommit':
      return at(either, 'after COMMIT');
    case 'silence':
    case 'postgresFast':
    case 'postgresImmediate':
      return at(either, anyCommit);
    case 'temporalStop':
    case 'temporalKill':
      return at('worker', anyCommit);
    case 'exhausted':
    case 'burst':
    case 'hands':
      return at('worker', 'before BEGIN');
  }
}

function pick<T>(choices: readonly T[], random: Random): T {
  const choice = choices[random.integer(0, choices.length - 1)];
  if (choice === undefined) throw new Error('there is nothing to choose from');
  return choice;
}

function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  const left = [...items];
  const drawn: T[] = [];
  while (left.length > 0) drawn.push(...left.splice(random.integer(0, left.length - 1), 1));
  return drawn;
}

/** For people: `worker killed before COMMIT (the worker's 17th)`. */
export function describeStep({ kind, part, moment, nth }: Step): string {
  return `${FAULTS[kind]} (${part}, ${moment}, no. ${nth})`;
}
