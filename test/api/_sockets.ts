import { connect, type Socket } from 'node:net';
import type { TestServer } from './_server.ts';

/** A connection on which a test sends any bytes. */
export interface RawConnection {
  readonly socket: Socket;
  /** The answer so far. */
  readonly answer: () => string;
  /** The whole answer, once the server has closed the connection. */
  readonly closed: Promise<string>;
}

/** Connects and sends bytes unchanged. */
export function openRaw(server: TestServer, ...parts: readonly string[]): RawConnection {
  const socket = connect(Number(new URL(server.api.url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString()));
  // A connection that is cut off may be reset.
  socket.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => {
    socket.on('close', () => {
      resolve(answer);
    });
  });
  for (const part of parts) socket.write(part);
  return { socket, answer: () => answer, closed };
}

/** The head of an HTTP/1.1 request. */
export function head(line: string, ...headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n');
}
