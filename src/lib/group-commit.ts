import { ROOT_CONTEXT, context, trace, type Context } from '@opentelemetry/api';

/**
 * Commits concurrent requests of many senders in one transaction, with one flush to disk. No
 * request is answered before its group is committed.
 */
export interface GroupCommit<Item, Result> {
  /**
   * Queues items that stay together in one group.
   * @returns a result per item, in order, once they are committed
   * @throws OverloadedError; and what `commit` throws for these items
   */
  submit(items: readonly Item[]): Promise<readonly Result[]>;
  /** The same, but waits while the queue is full. */
  submitWhenRoom(items: readonly Item[]): Promise<readonly Result[]>;
  /**
   * Whether a submission of so many items would be accepted now. One that is larger than the queue
   * is accepted when the queue is empty.
   */
  hasRoomFor(count: number): boolean;
  /** Items that are waiting or being committed. */
  readonly depth: number;
  /** Rejects new items and waits until all accepted ones are committed or have failed. */
  close(): Promise<void>;
}

export interface GroupCommitOptions<Item, Result> {
  /** Stores all items or none. Must return one result per item, in order. */
  readonly commit: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Maximum number of concurrent groups. */
  readonly maxConcurrent: number;
  /** Maximum number of items per group; a larger submission is a group of its own. */
  readonly maxGroupItems: number;
  /** Maximum number of waiting items; further submissions are rejected. */
  readonly maxQueuedItems: number;
  /**
   * Whether single items could have caused an error, so that each submission of the failed group is
   * retried alone. If the database is unavailable, that would only take longer.
   */
  readonly isWorthTryingAlone: (error: unknown) => boolean;
}

/** The queue is full or closing. Nothing was stored; the sender should retry. */
export class OverloadedError extends Error {
  override readonly name = 'OverloadedError';
}

interface Submission<Item, Result> {
  readonly items: readonly Item[];
  /** The context of the trace it belongs to. */
  readonly context: Context;
  readonly resolve: (results: readonly Result[]) => void;
  readonly reject: (error: unknown) => void;
}

export function createGroupCommit<Item, Result>(
  options: GroupCommitOptions<Item, Result>,
): GroupCommit<Item, Result> {
  const queue: Submission<Item, Result>[] = [];
  let depth = 0;
  let running = 0;
  let isClosed = false;
  const closed = Promise.withResolvers<null>();
  /** Resolves whenever items leave. */
  let left = Promise.withResolvers<null>();

  function submit(items: readonly Item[]): Promise<readonly Result[]> {
    if (isClosed) return Promise.reject(new OverloadedError('shutting down'));
    if (items.length === 0) return Promise.resolve([]);
    if (!hasRoomFor(items.length)) {
      return Promise.reject(new OverloadedError(`${depth} items are waiting already`));
    }
    depth += items.length;
    const { promise, resolve, reject } = Promise.withResolvers<readonly Result[]>();
    queue.push({ items, context: context.active(), resolve, reject });
    startGroups();
    return promise;
  }

  function hasRoomFor(count: number): boolean {
    return depth === 0 || depth + count <= options.maxQueuedItems;
  }

  function startGroups(): void {
    while (running < options.maxConcurrent && queue.length > 0) {
      running += 1;
      void commitGroup(takeGroup(queue, options.maxGroupItems));
    }
    if (isClosed && running === 0) closed.resolve(null);
  }

  async function commitGroup(group: readonly Submission<Item, Result>[]): Promise<void> {
    const answer = await settle(group);
    running -= 1;
    // Before answering, so that the database has work while answers are written.
    startGroups();
    answer();
  }

  /** @returns a function that answers the remaining submissions */
  async function settle(group: readonly Submission<Item, Result>[]): Promise<() => void> {
    try {
      const items = group.flatMap((submission) => submission.items);
      const contexts = group.map((submission) => submission.context);
      const results = await inOneTrace(contexts, () => options.commit(items));
      return () => {
        let start = 0;
        for (const submission of group) {
          const end = start + submission.items.length;
          leave(submission).resolve(results.slice(start, end));
          start = end;
        }
      };
    } catch (error) {
      if (group.length > 1 && options.isWorthTryingAlone(error)) {
        for (const submission of group) (await settle([submission]))();
        return () => undefined;
      }
      return () => {
        for (const submission of group) leave(submission).reject(error);
      };
    }
  }

  /** Frees its room. Must run before the answer: a sender may respond to it with more items. */
  function leave(submission: Submission<Item, Result>): Submission<Item, Result> {
    depth -= submission.items.length;
    left.resolve(null);
    left = Promise.withResolvers();
    return submission;
  }

  return {
    submit,
    hasRoomFor,
    async submitWhenRoom(items) {
      while (!isClosed && !hasRoomFor(items.length)) await left.promise;
      // No await in between: another waiting submission would take the room.
      return submit(items);
    },
    get depth() {
      return depth;
    },
    async close() {
      isClosed = true;
      startGroups();
      await closed.promise;
    },
  };
}

/** Takes whole submissions from the front: as many as fit, and at least one. */
function takeGroup<Item, Result>(
  queue: Submission<Item, Result>[],
  maxItems: number,
): readonly Submission<Item, Result>[] {
  let items = 0;
  const end = queue.findIndex(
    (submission, index) => (items += submission.items.length) > maxItems && index > 0,
  );
  return queue.splice(0, end === -1 ? queue.length : end);
}

/**
 * Runs work shared by several requests in the trace of one of them. Its span and the spans of the
 * others link to each other, so each trace shows where the work was done. Without tracing it only
 * runs the work.
 */
function inOneTrace<T>(contexts: readonly Context[], work: () => T): T {
  const doer = contexts.find((each) => trace.getSpan(each)?.isRecording()) ?? contexts[0];
  const span = doer && trace.getSpan(doer);
  if (span) {
    for (const each of contexts) {
      const other = trace.getSpan(each);
      if (!other || other === span) continue;
      other.addLink({ context: span.spanContext() });
      span.addLink({ context: other.spanContext() });
    }
  }
  return context.with(doer ?? ROOT_CONTEXT, work);
}
