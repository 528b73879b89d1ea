import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Timeouts } from './client-waits.ts';

/**
 * Requests that may wait on a connection behind the one that is being answered. Clients that
 * pipeline send a handful; a connection with more is closed, and may send the rest on a new one.
 */
export const MAX_WAITING_REQUESTS = 16;

/** A request and its answer. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * - `free`: no exchange, or one that is over.
 * - `working`: the answer isn't complete; whatever makes it has timeouts of its own.
 * - `sending`: the answer is complete, and the client has to take it.
 * - `leftover`: the client has the answer, but still sends the body of its request.
 */
type Phase = 'free' | 'working' | 'sending' | 'leftover';

interface Connection {
  current: Exchange | null;
  readonly waiting: Exchange[];
  /** The phase that the last look found, and since when. */
  phase: Phase;
  sinceMs: number;
}

/** The connections of a server. */
export interface Connections {
  /** What is being answered on a connection, or was answered last while its body still comes. */
  exchangeOn(socket: Socket): Exchange | null;
}

/**
 * Serves requests, and bounds what a connection can hold on to, with or without a key:
 *
 * - One request at a time. Node parses and hands over everything that a client sends at once; without
 *   this, answers that nobody reads pile up in memory. It also gives every answer a socket from its
 *   beginning, so that its `close` event comes in any case: a queued answer whose socket closes
 *   never gets one.
 * - An answer has to be taken within `sendMs`, and what is left of a body has to end within
 *   `lingerMs` after it. The connection is closed otherwise.
 *
 * Deadlines are checked every `checkMs` by looking at the state, not by events that might have been missed.
 */
export function guardConnections(
  server: Server,
  handle: RequestListener,
  { sendMs, lingerMs, checkMs }: Pick<Timeouts, 'sendMs' | 'lingerMs' | 'checkMs'>,
): Connections {
  const connections = new Map<Socket, Connection>();
  const limitsMs: Readonly<Record<Phase, number>> = {
    free: Infinity,
    working: Infinity,
    sending: sendMs,
    leftover: lingerMs,
  };

  function take(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    // Closed while the rest of what it sent was still being parsed.
    if (socket.destroyed) return;
    const connection = connections.get(socket) ?? add(socket);
    const exchange = { request, response };
    const { waiting } = connection;
    if (waiting.length === 0 && phaseOf(connection) === 'free') begin(connection, exchange);
    else if (waiting.length < MAX_WAITING_REQUESTS) waiting.push(exchange);
    else socket.destroy();
  }

  function add(socket: Socket): Connection {
    const connection: Connection = { current: null, waiting: [], phase: 'free', sinceMs: 0 };
    connections.set(socket, connection);
    socket.once('close', () => connections.delete(socket));
    return connection;
  }

  function begin(connection: Connection, exchange: Exchange): void {
    const { request, response } = exchange;
    connection.current = exchange;
    connection.phase = 'working';
    response.once('finish', () => {
      // Unread, it would hold up the next request; closed with something unread, the connection
      // would lose the answer.
      request.unpipe();
      request.resume();
    });
    response.once('close', () => {
      if (connection.current !== exchange || request.socket.destroyed) return;
      const next = connection.waiting.shift();
      if (next !== undefined) begin(connection, next);
      // An idle connection holds on to nothing, such as the body that the request came with.
      else if (request.complete) connection.current = null;
    });
    handle(request, response);
  }

  server.on('request', take);
  // Expectations that we don't know are ignored, as RFC 9110 allows: the request goes the same way.
  server.on('checkExpectation', take);
  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const [socket, connection] of connections) {
      const phase = phaseOf(connection);
      if (phase !== connection.phase) {
        connection.phase = phase;
        connection.sinceMs = nowMs;
      } else if (nowMs - connection.sinceMs >= limitsMs[phase]) socket.destroy();
    }
  }, checkMs);
  timer.unref();
  server.once('close', () => clearInterval(timer));
  return { exchangeOn: (socket) => connections.get(socket)?.current ?? null };
}

function phaseOf({ current }: Connection): Phase {
  if (current === null) return 'free';
  const { request, response } = current;
  if (!response.writableEnded) return 'working';
  if (!response.writableFinished) return 'sending';
  return request.complete ? 'free' : 'leftover';
}
