import type { Socket } from 'node:net';

/** How a receiver treats a connection, and what the log then says about the attempt. */
export interface Ending {
  readonly name: string;
  /** Called with each connection, by default once the request has arrived. */
  readonly treat: (socket: Socket) => void;
  /** Called as soon as the connection is open. */
  readonly atOnce?: true;
  readonly protocol?: 'https';
  readonly status: number | null;
  /** Null: the event was delivered. */
  readonly error: RegExp | null;
}

const NO_ANSWER = /^no answer within 300 ms$/;
const UPGRADED = /^answered 101: there is nothing to switch to$/;

const say =
  (...lines: readonly string[]) =>
  (socket: Socket) => {
    socket.write(lines.join('\r\n'));
  };
const sayAndClose =
  (...lines: readonly string[]) =>
  (socket: Socket) => {
    socket.end(lines.join('\r\n'));
  };
/** Sends the same data repeatedly, as fast as it is read. */
const repeat = (text: string) => (socket: Socket) => {
  const much = text.repeat(Math.ceil(65_536 / text.length));
  const go = () => {
    while (!socket.destroyed && socket.write(much));
  };
  socket.on('drain', go);
  go();
};
/** Sends one byte at a time. */
const trickle = (start: string, then: string) => (socket: Socket) => {
  socket.write(start);
  const timer = setInterval(() => socket.write(then), 10);
  socket.once('close', () => clearInterval(timer));
};

/** Each way an HTTP exchange can end or fail, as real bytes on a real socket. */
export const ENDINGS: readonly Ending[] = [
  // No answer at all.
  { name: 'says nothing', treat: () => undefined, status: null, error: NO_ANSWER },
  {
    name: 'closes a connection at once',
    treat: (socket) => socket.destroy(),
    atOnce: true,
    status: null,
    error: /socket hang up|ECONNRESET|EPIPE/,
  },
  {
    name: 'resets a connection at once',
    treat: (socket) => socket.resetAndDestroy(),
    atOnce: true,
    status: null,
    error: /socket hang up|ECONNRESET|EPIPE/,
  },
  {
    name: 'closes the connection after the request',
    treat: (socket) => socket.end(),
    status: null,
    error: /^socket hang up$/,
  },
  {
    name: 'resets the connection after the request',
    treat: (socket) => socket.resetAndDestroy(),
    status: null,
    error: /socket hang up|ECONNRESET/,
  },
  {
    name: 'never shakes hands for TLS',
    treat: () => undefined,
    protocol: 'https',
    status: null,
    error: NO_ANSWER,
  },
  {
    name: 'closes the connection during the TLS handshake',
    treat: (socket) => socket.end(),
    protocol: 'https',
    status: null,
    error: /socket disconnected|ECONNRESET|socket hang up/,
  },
  {
    name: 'answers a TLS handshake in plain text',
    treat: say('HTTP/1.1 200 OK', '', ''),
    protocol: 'https',
    status: null,
    error: /wrong version number|packet length too long|SSL/,
  },
  // Something other than the answer.
  {
    name: 'switches protocols',
    treat: say('HTTP/1.1 101 Switching Protocols', 'Upgrade: x', 'Connection: Upgrade', '', ''),
    status: 101,
    error: UPGRADED,
  },
  {
    name: 'switches protocols without saying to which',
    treat: say('HTTP/1.1 101 Switching Protocols', '', ''),
    status: 101,
    error: UPGRADED,
  },
  {
    name: 'switches protocols and keeps talking',
    treat: trickle('HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', 'x'),
    status: 101,
    error: UPGRADED,
  },
  {
    name: 'switches protocols after another informational answer',
    treat: say('HTTP/1.1 103 Early Hints', '', 'HTTP/1.1 101 X', 'Upgrade: x', '', ''),
    status: 101,
    error: UPGRADED,
  },
  {
    name: 'asks for the body and then says nothing',
    treat: say('HTTP/1.1 100 Continue', '', ''),
    status: null,
    error: NO_ANSWER,
  },
  {
    name: 'floods with 103',
    treat: repeat('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'),
    status: null,
    error: /^more than 10 informational answers$/,
  },
  {
    name: 'floods with 100',
    treat: repeat('HTTP/1.1 100 Continue\r\n\r\n'),
    status: null,
    error: /^more than 10 informational answers$/,
  },
  {
    name: 'speaks another protocol',
    treat: say('220 mail.example ESMTP', ''),
    status: null,
    error: /^Parse Error/,
  },
  // A malformed head.
  {
    name: 'stops during the head',
    treat: say('HTTP/1.1 200 OK', 'X: 1'),
    status: null,
    error: NO_ANSWER,
  },
  {
    name: 'sends its head byte by byte',
    treat: trickle('HTTP/1.1 200 OK\r\nX-Long: ', 'x'),
    status: null,
    error: NO_ANSWER,
  },
  {
    name: 'closes the connection during the head',
    treat: sayAndClose('HTTP/1.1 200 OK', 'X: 1'),
    status: null,
    error: /hang up|ECONNRESET|Parse Error/,
  },
  {
    name: 'never ends its head',
    treat: repeat(`X-Long: ${'x'.repeat(1000)}\r\n`),
    status: null,
    error: /^Parse Error/,
  },
  {
    name: 'sends a header field without end',
    treat: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nX-Long: ');
      repeat('x'.repeat(1000))(socket);
    },
    status: null,
    error: /^Parse Error/,
  },
  {
    name: 'says two lengths',
    treat: say('HTTP/1.1 200 OK', 'Content-Length: 2', 'Content-Length: 3', '', 'ok'),
    status: null,
    error: /^Parse Error/,
  },
  // The head is the answer, whatever happens to the body.
  {
    name: 'offers to switch protocols in an ordinary answer',
    treat: say(
      'HTTP/1.1 200 OK',
      'Upgrade: x',
      'Connection: Upgrade',
      'Content-Length: 2',
      '',
      'ok',
    ),
    status: 200,
    error: null,
  },
  {
    name: 'sends a head and no body',
    treat: say('HTTP/1.1 200 OK', 'Content-Length: 5', '', ''),
    status: 200,
    error: null,
  },
  {
    name: 'sends less than it has said and closes the connection',
    treat: sayAndClose('HTTP/1.1 200 OK', 'Content-Length: 500', '', 'ok'),
    status: 200,
    error: null,
  },
  {
    name: 'resets the connection during the body',
    treat: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nok', () =>
        socket.resetAndDestroy(),
      );
    },
    status: 200,
    error: null,
  },
  {
    name: 'sends more than it has said',
    treat: say('HTTP/1.1 200 OK', 'Content-Length: 2', '', 'ok and more'),
    status: 200,
    error: null,
  },
  {
    name: 'answers twice',
    treat: say(
      'HTTP/1.1 200 OK',
      'Content-Length: 0',
      '',
      'HTTP/1.1 410 Gone',
      'Content-Length: 0',
      '',
      '',
    ),
    status: 200,
    error: null,
  },
  {
    name: 'sends its body byte by byte',
    treat: trickle('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n', 'x'),
    status: 200,
    error: null,
  },
  {
    name: 'sends a body without end',
    treat: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      repeat('x'.repeat(1000))(socket);
    },
    status: 200,
    error: null,
  },
  {
    name: 'never ends its chunks',
    treat: trickle('HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n', '1\r\nx\r\n'),
    status: 500,
    error: /^answered 500$/,
  },
  {
    name: 'sends malformed chunks',
    treat: say('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', 'no chunk', ''),
    status: 200,
    error: null,
  },
  {
    name: 'sends trailers without end',
    treat: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n');
      repeat('X-Trailer: x\r\n')(socket);
    },
    status: 200,
    error: null,
  },
];
