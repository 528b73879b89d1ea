import type { PostResult, UsageClient, UsageEndpoint, UsageEvents } from './usage-client.ts';

export interface PostAllOptions {
  readonly batchSize?: number;
  /** Batches under way at once. */
  readonly concurrency?: number;
  /** Told how many events have been answered, each time some have. */
  readonly onProgress?: (answered: number) => void;
}

/**
 * Posts events in batches, a few at once.
 * @returns a result per event, in order
 */
export async function postAll<Endpoint extends UsageEndpoint>(
  client: UsageClient,
  endpoint: Endpoint,
  events: readonly UsageEvents[Endpoint][],
  { batchSize = 500, concurrency = 4, onProgress }: PostAllOptions = {},
): Promise<readonly PostResult[]> {
  const results = new Array<PostResult>(events.length);
  let next = 0;
  let answered = 0;
  async function postBatches(): Promise<void> {
    while (next < events.length) {
      const start = next;
      const batch = events.slice(start, (next += batchSize));
      const answers = await client.postBatch(endpoint, batch);
      answers.forEach((answer, index) => (results[start + index] = answer));
      onProgress?.((answered += batch.length));
    }
  }
  await Promise.all(Array.from({ length: concurrency }, postBatches));
  return results;
}
