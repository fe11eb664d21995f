/**
 * Calls of the platform that a service may make for one request: it reads a user, then changes it. If the request takes
 * long, the service also asks again what the caller may do.
 */
const MAX_INNER_CALLS = 4;

interface Allowance {
  readonly tenantId: string;
  left: number;
}

/**
 * The calls that services make for a request that is already metered: the users service calls the realm's users API with
 * the token and the id of the request that it serves. They must not count against the usage plan again. Each request in
 * progress allows few of them, so a client that imitates a service gains little.
 */
export class InnerCalls {
  readonly #allowances = new Map<string, Allowance>();

  /** Allows the inner calls of an admitted request. @returns a function to call when the request has ended */
  begin(tenantId: string, requestId: string): () => void {
    const allowance = { tenantId, left: MAX_INNER_CALLS };
    this.#allowances.set(requestId, allowance);
    return () => {
      if (this.#allowances.get(requestId) === allowance) this.#allowances.delete(requestId);
    };
  }

  /** Takes one inner call. @returns whether there was one for this tenant */
  take(tenantId: string, requestId: string): boolean {
    const allowance = this.#allowances.get(requestId);
    if (allowance?.tenantId !== tenantId || allowance.left === 0) return false;
    allowance.left -= 1;
    return true;
  }
}
