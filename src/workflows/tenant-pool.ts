import { condition } from '@temporalio/workflow';

/**
 * A bounded pool of children, each serving a tenant or a few; a tenant is served at most once at a
 * time. What `serve` throws ends the pool: it is thrown by the next call.
 */
export class TenantPool {
  readonly #running = new Set<string>();
  readonly #size: number;
  readonly #serve: (tenantIds: readonly string[]) => Promise<void>;
  readonly #onChange: () => void;
  #children = 0;
  #failure: { readonly error: unknown } | null = null;

  /**
   * @param size children at once
   * @param onChange told whenever somebody else is being served
   */
  constructor(
    size: number,
    serve: (tenantIds: readonly string[]) => Promise<void>,
    onChange: () => void = () => undefined,
  ) {
    this.#size = size;
    this.#serve = serve;
    this.#onChange = onChange;
  }

  /** The tenants that are being served. */
  get running(): readonly string[] {
    return [...this.#running];
  }

  get isFull(): boolean {
    return this.#children >= this.#size;
  }

  get isEmpty(): boolean {
    return this.#children === 0;
  }

  has(tenantId: string): boolean {
    return this.#running.has(tenantId);
  }

  /** Starts a child for tenants that aren't being served; the caller has seen to room. */
  start(tenantIds: readonly string[]): void {
    this.#children += 1;
    for (const tenantId of tenantIds) this.#running.add(tenantId);
    void this.#serve(tenantIds)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#children -= 1;
        for (const tenantId of tenantIds) this.#running.delete(tenantId);
        this.#onChange();
      });
    this.#onChange();
  }

  /** Waits until `ready` holds, which may ask the pool how it stands. */
  async waitUntil(ready: () => boolean): Promise<void> {
    await condition(() => this.#failure !== null || ready());
    if (this.#failure) throw this.#failure.error;
  }

  /** Waits until nobody is being served. */
  async drain(): Promise<void> {
    await this.waitUntil(() => this.isEmpty);
  }
}
