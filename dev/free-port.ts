import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { writePrivateFile } from '../src/lib/private-files.ts';

const HOST = '127.0.0.1';

/** Listens on the port or, if it is taken, on a port chosen by the system (0 always means that). */
async function hold(port: number): Promise<Server> {
  const server = createServer();
  const listening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, HOST, () => resolve(true));
  });
  return listening ? server : hold(0);
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return address.port;
}

/** A free port for each preferred one. All are held at the same time before they are released, so they all differ. */
export async function freePorts(preferred: readonly number[]): Promise<number[]> {
  const held: Server[] = [];
  for (const port of preferred) held.push(await hold(port));
  const ports = held.map(portOf);
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A free port. */
export async function anyFreePort(): Promise<number> {
  const server = await hold(0);
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Free ports below the limit, which all differ. They come from 20000 on, below the range that Linux gives to outgoing
 * connections.
 */
export async function freePortsBelow(limit: number, count: number): Promise<number[]> {
  for (;;) {
    const wanted = Array.from({ length: count }, () => randomInt(20_000, limit));
    const ports = await freePorts(wanted);
    if (ports.every((port) => port < limit)) return ports;
  }
}

function readPorts(file: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
  } catch {
    return {}; // no file yet, or a damaged one: use the defaults
  }
}

/** Free ports by name, stored in `file`: the same ones as last time if they are free, so that bookmarks keep working. */
export async function rememberedPorts<Name extends string>(
  file: string,
  defaults: Record<Name, number>,
): Promise<Record<Name, number>> {
  const names = Object.keys(defaults) as Name[];
  const remembered = readPorts(file);
  const free = await freePorts(names.map((name) => remembered[name] ?? defaults[name]));
  const ports = Object.fromEntries(names.map((name, i) => [name, free[i]])) as Record<Name, number>;
  // Read again, because another of our servers may have written its ports in the meantime.
  await writePrivateFile(file, `${JSON.stringify({ ...readPorts(file), ...ports }, null, 2)}\n`);
  return ports;
}
