/** How far a start has come with the tenants that have their own tasks. */
export interface RestorationProgress {
  readonly total: number;
  /** Tenants that are served, and those whose first attempt has failed. */
  readonly done: number;
  /** The tenants whose first attempt has failed. Attempts continue. */
  readonly failed: readonly string[];
}

/** The tenants that a start must restore before the platform is ready. Each is done when its first attempt has ended. */
export class Restoration {
  readonly #waiting = new Set<string>();
  readonly #failed: string[] = [];
  readonly #completed = Promise.withResolvers<void>();
  #total = 0;
  #sealed = false;

  get progress(): RestorationProgress {
    return { total: this.#total, done: this.#total - this.#waiting.size, failed: [...this.#failed] };
  }

  /** Resolves when every tenant is done. */
  get completed(): Promise<void> {
    return this.#completed.promise;
  }

  isWaiting(tenantId: string): boolean {
    return this.#waiting.has(tenantId);
  }

  add(tenantId: string): void {
    if (this.#waiting.has(tenantId)) return;
    this.#waiting.add(tenantId);
    this.#total += 1;
  }

  /** Every tenant has been added. */
  seal(): void {
    this.#sealed = true;
    this.#check();
  }

  /** The first attempt has ended. Does nothing for other tenants and later attempts. */
  end(tenantId: string, outcome: 'served' | 'failed'): void {
    if (!this.#waiting.delete(tenantId)) return;
    if (outcome === 'failed') this.#failed.push(tenantId);
    this.#check();
  }

  #check(): void {
    if (this.#sealed && this.#waiting.size === 0) this.#completed.resolve();
  }
}
