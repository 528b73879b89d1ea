import { condition } from '@temporalio/workflow';

/**
 * A bounded pool of tenants that are being served, each at most once at a time.
 * What `serve` throws ends the pool: it is thrown by the next call.
 */
export class TenantPool {
  readonly #running = new Set<string>();
  readonly #size: number;
  readonly #serve: (tenantId: string) => Promise<void>;
  #failure: { readonly error: unknown } | null = null;

  constructor(size: number, serve: (tenantId: string) => Promise<void>) {
    this.#size = size;
    this.#serve = serve;
  }

  get running(): readonly string[] {
    return [...this.#running];
  }

  get isFull(): boolean {
    return this.#running.size >= this.#size;
  }

  has(tenantId: string): boolean {
    return this.#running.has(tenantId);
  }

  /** Starts to serve a tenant that isn't being served; the caller has seen to room. */
  start(tenantId: string): void {
    this.#running.add(tenantId);
    void this.#serve(tenantId)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(tenantId));
  }

  /** Waits until `ready` holds, which may ask the pool how it stands. */
  async waitUntil(ready: () => boolean): Promise<void> {
    await condition(() => this.#failure !== null || ready());
    if (this.#failure) throw this.#failure.error;
  }

  /** Waits until nobody is being served. */
  async drain(): Promise<void> {
    await this.waitUntil(() => this.#running.size === 0);
  }
}
