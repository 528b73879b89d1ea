import { ROOT_CONTEXT, context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGroupCommit } from '../../src/lib/group-commit.ts';

const exporter = new InMemorySpanExporter();
const tracer = new TracerProvider({
  spanProcessors: [new SimpleSpanProcessor({ exporter })],
}).getTracer('test');
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => context.disable());

/** A group commit whose first group waits, so that later submissions form one group. */
function commitInGroups() {
  const held = Promise.withResolvers<null>();
  const seen: { items: readonly string[]; spanId: string | undefined }[] = [];
  const group = createGroupCommit<string, null>({
    async commit(items) {
      await held.promise;
      const spanId = trace.getSpanContext(context.active())?.spanId;
      seen.push({ items, spanId });
      return items.map(() => null);
    },
    maxConcurrent: 1,
    maxGroupItems: 10,
    maxQueuedItems: 10,
    isWorthTryingAlone: () => false,
  });
  const within = async (name: string) => {
    const span = tracer.startSpan(name);
    await context.with(trace.setSpan(ROOT_CONTEXT, span), () => group.submit([name]));
    span.end();
    return span.spanContext().spanId;
  };
  const submit = (items: readonly string[]) => group.submit(items);
  return { submit, within, seen, release: () => held.resolve(null) };
}

test('a group is committed in the trace of one, and the others link to it, and it to them', async () => {
  const { submit, within, seen, release } = commitInGroups();
  const submitted = [within('first'), submit(['untraced']), within('second'), within('third')];
  release();
  const [first, , second, third] = await Promise.all(submitted);
  expect(seen).toEqual([
    { items: ['first'], spanId: first },
    { items: ['untraced', 'second', 'third'], spanId: second },
  ]);
  const linked = new Map(
    exporter
      .getFinishedSpans()
      .map(({ name, links }) => [name, links.map((link) => link.context.spanId)]),
  );
  expect(linked).toEqual(
    new Map([
      ['first', []],
      ['second', [third]],
      ['third', [second]],
    ]),
  );
});

test('untraced work is committed in no trace, even after traced work', async () => {
  const { submit, within, seen, release } = commitInGroups();
  const submitted = [within('before'), submit(['untraced'])];
  release();
  await Promise.all(submitted);
  expect(seen.at(-1)).toEqual({ items: ['untraced'], spanId: undefined });
});
