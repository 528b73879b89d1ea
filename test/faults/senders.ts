import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { seededRandom } from '../../dev/random.ts';
import type { Tenant } from './population.ts';
import {
  createBatchMaker,
  type BatchEntry,
  type Expected,
  type SentEvent,
  type Source,
} from './usage-batches.ts';

export interface SendersOptions {
  readonly apiUrl: string;
  readonly keys: Readonly<Record<Source, string>>;
  readonly seed: string;
  readonly tenants: readonly Tenant[];
  readonly sendersPerSource: number;
  /** Between a sender's batches, in milliseconds. */
  readonly pauseMs: number;
}

/** The gateway and the metering pipeline, posting all the time, each event until it is taken. */
export interface Senders {
  /** Events that were acknowledged, by source and id. */
  readonly acknowledged: ReadonlyMap<string, SentEvent>;
  /** Answers that should not have come. */
  readonly complaints: readonly string[];
  readonly counts: { readonly requests: number; readonly retries: number };
  /** Ends when everything that was begun is acknowledged. */
  finish(): Promise<void>;
}

export function eventKey({ source, id }: Pick<SentEvent, 'source' | 'id'>): string {
  return `${source} ${id}`;
}

const ENDPOINTS = {
  llm: { path: '/api/v1/integrations/llm-usage', field: 'events' },
  metered: { path: '/api/v1/integrations/metered-usage', field: 'records' },
} as const;
const REQUEST_TIMEOUT_MS = 30_000;
const RETRY_PAUSE_MS = 100;
/** Complaints that are kept; one would be enough. */
const MAX_COMPLAINTS = 20;

const batchReply = z.object({ results: z.array(z.object({ status: z.string() })) });

export function startSenders(options: SendersOptions): Senders {
  const { apiUrl, keys, seed, tenants } = options;
  const acknowledged = new Map<string, SentEvent>();
  const complaints: string[] = [];
  const counts = { requests: 0, retries: 0 };
  let isOver = false;

  function complain(text: string): void {
    if (complaints.length < MAX_COMPLAINTS) complaints.push(text);
  }

  async function send(source: Source, number: number): Promise<void> {
    const sender = `${source}-${number}`;
    const random = seededRandom(`${seed} ${sender}`);
    const batches = createBatchMaker({ source, sender, tenants, random });
    while (!isOver) {
      const batch = batches.next();
      // A sender that lost patience sends the same once more before it has an answer.
      const copies = random.integer(1, 10) === 1 ? 2 : 1;
      const all = await Promise.all(Array.from({ length: copies }, () => post(source, batch)));
      for (const statuses of all) check(batch, statuses);
      await sleep(options.pauseMs);
    }
  }

  function check(batch: readonly BatchEntry[], statuses: readonly string[]): void {
    batch.forEach(({ body, expected, event }, index) => {
      const status = statuses[index] ?? 'nothing';
      if (meaningOf(status) !== expected) {
        complain(`answered ${status} where ${expected} was due: ${JSON.stringify(body)}`);
      } else if (event !== null) {
        acknowledged.set(eventKey(event), event);
      }
    });
  }

  /** Posts until there is an answer. @returns a status per entry, in order */
  async function post(source: Source, batch: readonly BatchEntry[]): Promise<readonly string[]> {
    const { path, field } = ENDPOINTS[source];
    const bodies = batch.map(({ body }) => body);
    const body = JSON.stringify(bodies.length === 1 ? bodies[0] : { [field]: bodies });
    for (;;) {
      counts.requests += 1;
      const statuses = await attempt(new URL(path, apiUrl), keys[source], body, batch.length);
      if (statuses !== null) return statuses;
      counts.retries += 1;
      await sleep(RETRY_PAUSE_MS);
    }
  }

  /** @returns null where the same request has to be sent again */
  async function attempt(
    url: URL,
    key: string,
    body: string,
    entries: number,
  ): Promise<readonly string[] | null> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
        body,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const text = await response.text();
      switch (response.status) {
        case 200:
        case 201:
          if (entries === 1) return ['accepted'];
          return batchReply.parse(JSON.parse(text)).results.map(({ status }) => status);
        case 409:
          return ['conflict'];
        case 422:
          return ['rejected'];
        case 429:
        case 503:
          return null;
        default:
          complain(`${url.pathname} answered ${response.status}: ${text.slice(0, 300)}`);
          return null;
      }
    } catch (error) {
      // The API is away, or went away before it had answered in full.
      if (error instanceof z.ZodError) throw error;
      return null;
    }
  }

  const running = Promise.all(
    (['llm', 'metered'] as const).flatMap((source) =>
      Array.from({ length: options.sendersPerSource }, (_, number) => send(source, number + 1)),
    ),
  );
  running.catch(() => undefined);
  return {
    acknowledged,
    complaints,
    counts,
    async finish() {
      isOver = true;
      await running;
    },
  };
}

function meaningOf(status: string): Expected | null {
  switch (status) {
    case 'accepted':
    case 'duplicate':
      return 'taken';
    case 'conflict':
    case 'rejected':
      return status;
    default:
      return null;
  }
}
