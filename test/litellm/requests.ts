import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../dev/random.ts';

/** A request of a client to one of the proxies. */
export interface PlannedRequest {
  readonly kind: Kind;
  readonly proxy: number;
  /** A key of LiteLLM. */
  readonly key: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** The number of requests of each kind in a hundred. */
const KINDS = {
  plain: 32,
  stream: 26,
  'stream without usage': 10,
  'asked before': 12,
  'with fallback': 8,
  failing: 4,
  'given call id': 4,
  'unknown model': 2,
  'unpriced model': 2,
} as const;
type Kind = keyof typeof KINDS;

const PRICED = ['small', 'large', 'odd'] as const;
const QUESTIONS_ASKED_BEFORE = 4;
const CALL_IDS = 3;

/** Plans a day's traffic: the same seed gives the same requests. */
export function planRequests(
  count: number,
  { random, keys, proxies }: { random: Random; keys: readonly string[]; proxies: number },
): readonly PlannedRequest[] {
  const kinds = Object.entries(KINDS).flatMap(([kind, share]) =>
    new Array<Kind>(share).fill(kind as Kind),
  );
  return Array.from({ length: count }, (_, index) => {
    const kind = kinds[random.integer(0, kinds.length - 1)] ?? 'plain';
    const key = keys[random.integer(0, keys.length - 1)] ?? '';
    const model = PRICED[random.integer(0, PRICED.length - 1)] ?? 'small';
    const question = `Question ${index}: ${'why '.repeat(random.integer(1, 40))}`;
    const proxy = random.integer(0, proxies - 1);
    const again = random.integer(1, QUESTIONS_ASKED_BEFORE);
    const callId = `chosen-${random.integer(1, CALL_IDS)}`;
    return { kind, proxy, key, ...requestOf(kind, { model, question, again, callId }) };
  });
}

function requestOf(
  kind: Kind,
  {
    model,
    question,
    again,
    callId,
  }: Record<'model' | 'question' | 'callId', string> & { again: number },
): Pick<PlannedRequest, 'body' | 'headers'> {
  const ask = (more: object, content = question) => ({
    body: { model, messages: [{ role: 'user', content }], ...more },
    headers: {},
  });
  switch (kind) {
    case 'plain':
      return ask({ user: 'end-user-7', metadata: { tags: ['arcadia_tenant:another'] } });
    case 'stream':
      return ask({ stream: true, stream_options: { include_usage: true } });
    case 'stream without usage':
      return ask({ stream: true });
    case 'asked before':
      return ask({ model: 'large' }, `The same question ${again}.`);
    case 'with fallback':
      return ask({ model: 'broken' });
    case 'failing':
      return ask({ model: 'broken', disable_fallbacks: true });
    case 'given call id':
      return { ...ask({}), headers: { 'x-litellm-call-id': callId } };
    case 'unknown model':
      return ask({ model: 'nothing-of-that-name' });
    case 'unpriced model':
      return ask({ model: 'free' });
  }
}

/** What a client got. */
export interface Answered {
  readonly kind: Kind;
  readonly status: number;
  readonly callId: string | null;
  /** Dollars, as LiteLLM tells its client; null: a stream or a failure. */
  readonly cost: string | null;
}

export interface SendOptions {
  readonly proxyUrls: readonly string[];
  readonly concurrency: number;
  /** After each request of a client, so that all of it takes a while. */
  readonly pauseMs: number;
  /** Called before each request, with the number of those before it. */
  readonly onRequest?: (sent: number) => void;
}

/** Sends the requests in order, several at once, and reads the answers to their end. */
export async function sendRequests(
  planned: readonly PlannedRequest[],
  { proxyUrls, concurrency, pauseMs, onRequest }: SendOptions,
): Promise<readonly Answered[]> {
  const answers: Answered[] = [];
  let next = 0;
  async function client(): Promise<void> {
    for (;;) {
      const request = planned[next];
      if (request === undefined) return;
      onRequest?.(next);
      next += 1;
      answers.push(await send(request, proxyUrls[request.proxy] ?? ''));
      await sleep(pauseMs);
    }
  }
  await Promise.all(Array.from({ length: concurrency }, client));
  return answers;
}

async function send(
  { kind, key, body, headers }: PlannedRequest,
  proxyUrl: string,
): Promise<Answered> {
  const response = await fetch(`${proxyUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(120_000),
  });
  await response.arrayBuffer();
  const isPriced = response.ok && !('stream' in body);
  return {
    kind,
    status: response.status,
    callId: response.headers.get('x-litellm-call-id'),
    cost: isPriced ? response.headers.get('x-litellm-response-cost') : null,
  };
}
