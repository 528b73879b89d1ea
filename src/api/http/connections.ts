import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Timeouts } from './client-waits.ts';

/**
 * Pipelined requests that may wait on a connection behind the current one. Clients that pipeline send a
 * handful; a connection with more is closed, and the client can send the rest on a new one.
 */
export const MAX_WAITING_REQUESTS = 16;

/** A request and its response. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * - `free`: no exchange, or a finished one.
 * - `working`: the response is incomplete; the code that makes it has its own timeouts.
 * - `sending`: the response is complete, and the client has to read it.
 * - `leftover`: the client has the response, but is still sending its request body.
 */
type Phase = 'free' | 'working' | 'sending' | 'leftover';

interface Connection {
  current: Exchange | null;
  readonly waiting: Exchange[];
  /** The phase that the last check found, and since when. */
  phase: Phase;
  sinceMs: number;
}

/** The open connections of a server. */
export interface Connections {
  /** Returns the current exchange, or the last one while its request body still arrives. */
  exchangeOn(socket: Socket): Exchange | null;
}

/**
 * Serves requests, and limits what a connection can hold, with or without an API key:
 *
 * - One request at a time. Node parses everything that a client sends at once, so unread responses would
 *   pile up in memory. Serving one at a time also gives each response a socket from the start, so its
 *   `close` event always fires; a queued response whose socket closes never gets one.
 * - The client must read a response within `sendMs`, and finish sending a leftover body within `lingerMs`.
 *   Otherwise the connection is closed.
 *
 * Deadlines are checked every `checkMs` by state, not by events that could be missed.
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
    // Closed while Node was still parsing the rest of its input.
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
      // An unread body blocks the next request, and closing with input unread loses the response.
      request.unpipe();
      request.resume();
    });
    response.once('close', () => {
      if (connection.current !== exchange || request.socket.destroyed) return;
      const next = connection.waiting.shift();
      if (next !== undefined) begin(connection, next);
      // An idle connection keeps nothing in memory, such as the last request's body.
      else if (request.complete) connection.current = null;
    });
    handle(request, response);
  }

  server.on('request', take);
  // Unknown expectations are ignored, as RFC 9110 allows.
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
