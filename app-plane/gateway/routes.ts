import type { Target } from './target.ts';

/** What keeps a route from being called without limit. */
export type RouteLimit =
  /** Only for tenants: each request counts against the usage plan of the token's tenant. */
  | 'usage-plan'
  /**
   * For everybody. A request with a tenant's token counts against the usage plan of the tenant, whatever its path. The
   * platform limits what it does for others by client and by user (docs/security.md).
   */
  | 'usage-plan-of-token'
  /** The gateway responds itself, with constant work, and reads no token. */
  | 'constant-work';

/**
 * The gateway's routes and their limits. The router admits requests by this table, so no route is without a limit.
 *
 * `readyz` asks the platform for its state, at a cost that does not depend on the request.
 */
export const ROUTES: Readonly<Record<Target['kind'], RouteLimit>> = {
  api: 'usage-plan',
  platform: 'usage-plan-of-token',
  healthz: 'constant-work',
  readyz: 'constant-work',
  malformed: 'constant-work',
  'too-long': 'constant-work',
};
