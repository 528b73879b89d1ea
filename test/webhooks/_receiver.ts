import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { expect } from 'vitest';
import { allowsPublicAnd } from '../../src/webhooks/addresses.ts';
import { webhookSecret } from '../../src/webhooks/webhook-signing.ts';
import { formatSecret } from '../../src/lib/signing/sign.ts';

export const MASTER = 'the master secret of the webhook tests';

/** Short timeouts, and this machine counts as a public address. */
export const SETTINGS = {
  masterSecrets: [MASTER],
  allowsAddress: allowsPublicAnd(['127.0.0.0/8']),
  timeoutMs: 2_000,
  firstRetryMs: 1,
  leaseSeconds: 30,
  random: () => 0,
};

/** A completely received request. */
export interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly id: string;
  readonly event: { readonly type: string; readonly data: Readonly<Record<string, unknown>> };
}

/** What a receiver does with the n-th request, counted from 1. */
export type Behaviour = (
  received: Received,
  response: ServerResponse,
  number: number,
) => void | Promise<void>;

/** A real HTTP server that receives events. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly Received[];
  behave(behaviour: Behaviour): void;
  /** The number of open connections. */
  connections(): number;
}

export const answer =
  (status: number, body = '', headers: Record<string, string> = {}): Behaviour =>
  (_received, response) => {
    response.writeHead(status, headers).end(body);
  };

export async function startReceiver(behaviour: Behaviour = answer(204)): Promise<Receiver> {
  const requests: Received[] = [];
  const sockets = new Set<Socket>();
  let behave = behaviour;
  const server = createServer((request, response) => {
    void read(request).then((received) => {
      requests.push(received);
      return behave(received, response, requests.length);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hooks`,
    requests,
    behave(next) {
      behave = next;
    },
    connections: () => sockets.size,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function read(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const event = JSON.parse(body) as Received['event'];
  return { headers, body, event, id: headers['webhook-id'] ?? '' };
}

/** Checks the signature as a receiver does, with the public library. @throws if it is wrong */
export function verify(secretId: string, { body, headers }: Received, master = MASTER): unknown {
  return new Webhook(formatSecret(webhookSecret(master, secretId))).verify(body, headers);
}

export function expectSigned(secretId: string, received: Received, master = MASTER): void {
  expect(verify(secretId, received, master)).toEqual(received.event);
}
