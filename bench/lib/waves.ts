import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** A request that an attacker sends. */
export interface HostileRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly key: string;
  /** JSON. */
  readonly body?: string;
}

/** Count of each response status; 0 stands for no answer. */
export type Statuses = Readonly<Record<number, number>>;

/**
 * Sends requests from a separate thread, so that sending doesn't slow the measurement. Each wave is
 * sent at once; the next one starts when every answer of the previous one has arrived.
 */
export async function sendWaves(waves: readonly (readonly HostileRequest[])[]): Promise<Statuses> {
  const worker = new Worker(new URL(import.meta.url), { workerData: waves });
  const answer = Promise.withResolvers<Statuses>();
  worker.once('message', answer.resolve).once('error', answer.reject);
  try {
    return await answer.promise;
  } finally {
    await worker.terminate();
  }
}

async function main(waves: readonly (readonly HostileRequest[])[]): Promise<void> {
  const statuses: Record<number, number> = {};
  for (const wave of waves) {
    for (const status of await Promise.all(wave.map(send))) {
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  }
  parentPort?.postMessage(statuses satisfies Statuses);
}

async function send({ method, url, key, body }: HostileRequest): Promise<number> {
  try {
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: body ?? null,
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

if (!isMainThread) await main(workerData as readonly (readonly HostileRequest[])[]);
