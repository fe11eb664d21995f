import type { Declaration } from '../../core/http/operation.ts';
import type { Guard } from '../../core/ports/guard.ts';
import { guardedTable } from '../../core/retry/guarded-table.ts';
import { type ControlPlane, createDispatch } from './dispatch.ts';
import type { ControlPlaneDeps } from './http/deps.ts';
import type { AuthorizePrincipal } from './http/http.ts';
import type { OperationOf } from './http/operation.ts';
import { createOperations } from './operations.ts';

/**
 * The control plane's API.
 *
 * @param authorize gives the principal of an Authorization header
 * @param added the operations that only this home serves. @default - none
 * @param elsewhere operations that another function serves, for the description of the API. @default - none
 */
export function createControlPlane<Deps extends ControlPlaneDeps>(
  deps: Deps,
  authorize: AuthorizePrincipal,
  added: readonly OperationOf<Deps>[] = [],
  elsewhere: readonly Declaration[] = [],
): ControlPlane {
  return createDispatch(deps, { authorize, operations: createOperations(added, elsewhere), guarded: guardedDeps });
}

function guardedDeps<Deps extends ControlPlaneDeps>(deps: Deps, guard: Guard): Deps {
  const { table, identity, credentials } = deps;
  return {
    ...deps,
    table: guardedTable(table, guard),
    identity: identity.guardedBy(guard),
    ...(credentials && { credentials: credentials.guardedBy(guard) }),
  };
}
