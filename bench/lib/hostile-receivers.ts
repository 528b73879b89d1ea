import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** How receivers respond to a request. */
export type Manner = 'switch protocols' | 'hang' | 'answer';

export interface HostileReceivers extends AsyncDisposable {
  /** URL of one receiver. */
  url(number: number): string;
  behave(manner: Manner): void;
  /** Open connections. */
  sockets(): number;
  /** Connections in total. */
  connections(): number;
}

const ANSWERS: Readonly<Record<Manner, string>> = {
  'switch protocols':
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
  hang: '',
  answer: 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n',
};

/** All receivers of a bench, on one port. Each connection keeps the manner in force when it was opened. */
export async function startHostileReceivers(): Promise<HostileReceivers> {
  const open = new Set<Socket>();
  let manner: Manner = 'hang';
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(ANSWERS[manner]));
    // Notices that the sender closes the connection.
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: (number) => `http://127.0.0.1:${port}/${number}`,
    behave(next) {
      manner = next;
    },
    sockets: () => open.size,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Activity slots of a worker process, of all its task queues. */
export interface Slots {
  readonly used: number;
  readonly free: number;
  /** Free slots for the month end's own steps. */
  readonly freeForMonths: number;
}

const SLOTS = /^temporal_worker_task_slots_(used|available)\{(.*)\} (\d+)$/gm;

/** Reads the slots from the worker's metrics; retries if a busy process omitted the SDK's metrics. */
export async function readSlots(metricsPort: number): Promise<Slots> {
  let text = '';
  while (!text.includes('temporal_worker_task_slots_used')) {
    text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  }
  const slots = { used: 0, free: 0, freeForMonths: 0 };
  for (const [, kind, labels = '', value] of text.matchAll(SLOTS)) {
    if (!labels.includes('worker_type="ActivityWorker"')) continue;
    if (kind === 'used') slots.used += Number(value);
    else slots.free += Number(value);
    if (kind === 'available' && labels.includes('task_queue="arcadia-invoicing"')) {
      slots.freeForMonths += Number(value);
    }
  }
  return slots;
}
