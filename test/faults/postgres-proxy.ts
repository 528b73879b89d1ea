import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import {
  MessageSplitter,
  boundaryOf,
  errorCode,
  isCommitted,
  isEncryptionRequest,
  type Message,
} from './postgres-wire.ts';

/** A point of the protocol at which something can be made to happen. */
export type Moment =
  /** The client has asked for it, and the server doesn't know yet. */
  | 'before BEGIN'
  | 'before COMMIT'
  /** The server has committed, and the client doesn't know yet. */
  | 'after COMMIT';

/** A connection that stands still: nothing passes in either direction. */
export interface HeldConnection {
  /** Lets it continue as if nothing had happened. */
  release(): void;
  /** Ends it towards both sides. */
  cut(): void;
  /** Resolves when the client has ended it from its side, or it was cut. */
  readonly ended: Promise<null>;
}

export interface Trap {
  /** The connection that has come to the moment. Rejects where the trap is cancelled first. */
  readonly caught: Promise<HeldConnection>;
  cancel(): void;
}

/** Stands between one process of ours and PostgreSQL. */
export interface PostgresProxy {
  readonly port: number;
  /** Connections that PostgreSQL has refused because it had too many. */
  readonly refusals: number;
  /** Holds the connection that comes to this moment as the n-th from now on, over all of them. */
  holdAt(moment: Moment, nth: number): Trap;
  /** Ends every connection. */
  cutAll(): void;
  close(): Promise<void>;
}

export class TrapCancelledError extends Error {
  override readonly name = 'TrapCancelledError';
}

const TOO_MANY_CONNECTIONS = '53300';

interface SetTrap {
  readonly moment: Moment;
  remaining: number;
  readonly spring: (connection: HeldConnection) => void;
}

/**
 * A proxy in front of a PostgreSQL server that may come and go. What passes it is cut into whole
 * messages, so that a fault happens at a point of the protocol and not after some time.
 */
export async function startPostgresProxy(targetPort: number): Promise<PostgresProxy> {
  const connections = new Set<ProxiedConnection>();
  const traps = new Set<SetTrap>();
  let refusals = 0;

  /** @returns whether the connection is to stand still */
  function pass(moment: Moment, connection: ProxiedConnection): boolean {
    const set = [...traps].filter((trap) => trap.moment === moment);
    for (const trap of set) trap.remaining -= 1;
    const sprung = set.find(({ remaining }) => remaining <= 0);
    if (sprung === undefined) return false;
    traps.delete(sprung);
    sprung.spring(connection);
    return true;
  }

  const server = createServer({ noDelay: true }, (client) => {
    const connection: ProxiedConnection = new ProxiedConnection(client, targetPort, {
      onMoment: (moment) => pass(moment, connection),
      onError: (code) => {
        if (code === TOO_MANY_CONNECTIONS) refusals += 1;
      },
      onEnd: () => connections.delete(connection),
    });
    connections.add(connection);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });

  return {
    port: (server.address() as AddressInfo).port,
    get refusals() {
      return refusals;
    },
    holdAt(moment, nth) {
      const { promise, resolve, reject } = Promise.withResolvers<HeldConnection>();
      const trap: SetTrap = { moment, remaining: nth, spring: resolve };
      traps.add(trap);
      const cancel = () => {
        if (traps.delete(trap)) reject(new TrapCancelledError(`nobody came to "${moment}"`));
      };
      return { caught: promise, cancel };
    },
    cutAll() {
      for (const connection of connections) connection.cut();
    },
    close() {
      for (const connection of connections) connection.cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface Watcher {
  /** @returns whether the connection is to stand still before the message that leads there */
  onMoment(moment: Moment): boolean;
  onError(code: string): void;
  onEnd(): void;
}

class ProxiedConnection implements HeldConnection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #watcher: Watcher;
  /** What waits while the connection stands still, in the order in which it came. */
  #waiting: { readonly to: Socket; readonly bytes: Buffer | null }[] | null = null;
  readonly #ended = Promise.withResolvers<null>();

  constructor(client: Socket, targetPort: number, watcher: Watcher) {
    this.#client = client;
    this.#server = createConnection({ host: '127.0.0.1', port: targetPort, noDelay: true });
    this.#watcher = watcher;
    const fromClient = new MessageSplitter('client');
    const fromServer = new MessageSplitter('server');
    client.on('data', (chunk: Buffer) => {
      client.cork();
      this.#server.cork();
      for (const message of fromClient.push(chunk)) this.#takeFromClient(message);
      this.#server.uncork();
      client.uncork();
    });
    this.#server.on('data', (chunk: Buffer) => {
      client.cork();
      for (const message of fromServer.push(chunk)) this.#takeFromServer(message);
      client.uncork();
    });
    client.on('close', () => this.#ended.resolve(null));
    client.on('end', () => this.#forward(this.#server, null));
    this.#server.on('end', () => this.#forward(client, null));
    for (const socket of [client, this.#server]) {
      socket.on('error', () => this.cut());
      socket.on('close', () => {
        // What stands still must not notice that the other side has gone.
        if (this.#waiting === null) this.cut();
      });
    }
  }

  #takeFromClient(message: Message): void {
    if (message.type === '' && isEncryptionRequest(message.bytes)) {
      this.#forward(this.#client, Buffer.from('N'));
      return;
    }
    const boundary = boundaryOf(message);
    if (boundary !== undefined && this.#waiting === null) this.#arriveAt(`before ${boundary}`);
    this.#forward(this.#server, message.bytes);
  }

  #takeFromServer(message: Message): void {
    const code = errorCode(message);
    if (code !== undefined) this.#watcher.onError(code);
    if (this.#waiting === null && isCommitted(message)) this.#arriveAt('after COMMIT');
    this.#forward(this.#client, message.bytes);
  }

  #arriveAt(moment: Moment): void {
    if (this.#watcher.onMoment(moment)) this.#waiting = [];
  }

  /** @param bytes null for the end of what the other side sends */
  #forward(to: Socket, bytes: Buffer | null): void {
    if (this.#waiting !== null) this.#waiting.push({ to, bytes });
    else if (bytes === null) to.end();
    else if (to.writable) to.write(bytes);
  }

  get ended(): Promise<null> {
    return this.#ended.promise;
  }

  release(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const { to, bytes } of waiting) this.#forward(to, bytes);
    if (this.#client.destroyed || this.#server.destroyed) this.cut();
  }

  cut(): void {
    this.#waiting = null;
    this.#client.destroy();
    this.#server.destroy();
    this.#watcher.onEnd();
  }
}
