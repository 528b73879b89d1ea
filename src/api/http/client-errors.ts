import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Connections } from './connections.ts';
import { HttpProblem, PROBLEMS, problemBody } from './problems.ts';

/**
 * Sends problem details for input that never becomes a request: malformed HTTP, or a head that is too large
 * or too slow. Never writes into or instead of another response.
 */
export function answerClientErrors(
  server: Server,
  connections: Connections,
  lingerMs: number,
): void {
  const refused = new WeakSet<Duplex>();
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // The rest of the input is malformed as well.
    if (refused.has(socket)) return;
    refused.add(socket);
    if (!socket.writable || error.code === 'ECONNRESET' || isAnswering(connections, socket)) {
      socket.destroy();
      return;
    }
    socket.end(rawAnswer(toClientProblem(error.code)));
    // Closing at once, with input unread, would reset the connection and lose the response.
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once('end', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(timer);
    });
  });
}

/**
 * Whether the connection is in the middle of a response. A request whose own body is malformed does not count
 * as long as it has no response yet.
 */
function isAnswering(connections: Connections, socket: Duplex): boolean {
  const exchange = socket instanceof Socket ? connections.exchangeOn(socket) : null;
  if (exchange === null) return false;
  const { request, response } = exchange;
  const isOver = request.complete && response.writableFinished;
  return !isOver && (request.complete || response.headersSent);
}

function toClientProblem(code: string | undefined): HttpProblem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new HttpProblem(
      'headers-too-large',
      'the request line and headers can have at most 16 KiB',
    );
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new HttpProblem(
      'request-timeout',
      'the request line and headers took too long to arrive',
    );
  }
  return new HttpProblem('malformed-request', 'the request is not valid HTTP');
}

function rawAnswer(problem: HttpProblem): string {
  const { status } = PROBLEMS[problem.problem];
  const requestId = randomUUID();
  const body = JSON.stringify(problemBody(problem, requestId));
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Cache-Control: no-store',
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
