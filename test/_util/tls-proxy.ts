import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';

/** A server that terminates TLS and forwards to another one, as a load balancer does. */
export interface TlsProxy extends AsyncDisposable {
  readonly port: number;
}

/**
 * Starts a proxy on a free port of this machine.
 * @param target host and port of a server without TLS
 */
export async function startTlsProxy(target: string, options: TlsOptions): Promise<TlsProxy> {
  const [host, port] = target.split(':');
  const open = new Set<Socket>();
  const server = createServer({ ALPNProtocols: ['h2'], ...options }, (client) => {
    const upstream = connect(Number(port), host);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
