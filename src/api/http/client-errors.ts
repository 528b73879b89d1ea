import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Connections } from './connections.ts';
import { HttpProblem, PROBLEMS, problemBody } from './problems.ts';

/**
 * Answers what never becomes a request: HTTP that can't be read, too large a head, a head that takes
 * too long. Never in the middle of another answer, or in its place.
 */
export function answerClientErrors(
  server: Server,
  connections: Connections,
  lingerMs: number,
): void {
  const refused = new WeakSet<Duplex>();
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // Whatever still comes in is as malformed.
    if (refused.has(socket)) return;
    refused.add(socket);
    if (!socket.writable || error.code === 'ECONNRESET' || isAnswering(connections, socket)) {
      socket.destroy();
      return;
    }
    socket.end(rawAnswer(toClientProblem(error.code)));
    // Closed at once, with something unread, the connection would lose the answer.
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once('end', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(timer);
    });
  });
}

/** A request whose own body can't be read is refused as what can't be read, while it has no answer. */
function isAnswering(connections: Connections, socket: Duplex): boolean {
  const exchange = socket instanceof Socket ? connections.exchangeOn(socket) : null;
  if (exchange === null) return false;
  const { request, response } = exchange;
  const isOver = request.complete && response.writableFinished;
  return !isOver && (request.complete || response.headersSent);
}

function toClientProblem(code: string | undefined): HttpProblem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new HttpProblem('headers-too-large', 'the head of a request has at most 16 KiB');
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new HttpProblem('request-timeout', 'the head of the request did not come in time');
  }
  return new HttpProblem('malformed-request', 'this is not HTTP as we know it');
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
