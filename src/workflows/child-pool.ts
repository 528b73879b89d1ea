import { condition } from '@temporalio/workflow';

/** A bounded pool of child workflows. Once a child's `serve` throws, every wait throws the same error. */
export class ChildPool {
  readonly #size: number;
  #running = 0;
  #failure: { readonly error: unknown } | null = null;

  /** @param size children at once */
  constructor(size: number) {
    this.#size = size;
  }

  get isEmpty(): boolean {
    return this.#running === 0;
  }

  /** Starts a child; the caller has waited for room. */
  start(serve: () => Promise<void>): void {
    this.#running += 1;
    serve().then(
      () => {
        this.#running -= 1;
      },
      (error: unknown) => {
        this.#running -= 1;
        this.#failure ??= { error };
      },
    );
  }

  waitForRoom(): Promise<void> {
    return this.waitUntil(() => this.#running < this.#size);
  }

  /** Waits until no child runs. */
  drain(): Promise<void> {
    return this.waitUntil(() => this.isEmpty);
  }

  /** Waits until `ready` holds, which may depend on the pool. */
  async waitUntil(ready: () => boolean): Promise<void> {
    const isOver = () => this.#failure !== null || ready();
    if (!isOver()) await condition(isOver);
    if (this.#failure) throw this.#failure.error;
  }
}
