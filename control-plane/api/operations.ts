import type { Declaration } from '../../core/http/operation.ts';
import { descriptionOperations } from './description/describe.ts';
import type { ControlPlaneDeps } from './http/deps.ts';
import type { OperationOf } from './http/operation.ts';
import { DEAD_LETTER_OPERATIONS } from './operator/dead-letter-operations.ts';
import { HEALTH_OPERATIONS } from './operator/health.ts';
import { OPERATOR_OPERATIONS } from './operator/operator.ts';
import { createSignUp } from './sign-up/sign-up.ts';
import { INTERNAL_OPERATIONS } from './tenants/internal.ts';
import { INVITATION_OPERATIONS } from './tenants/invitation.ts';
import { PROGRESS_OPERATIONS } from './tenants/progress.ts';
import { REGISTRATION_OPERATIONS } from './tenants/registrations.ts';
import { TENANT_CONFIG_OPERATIONS } from './tenants/tenant-config.ts';
import { TENANT_OPERATIONS } from './tenants/tenants.ts';
import { DISCOVERY_OPERATIONS } from './users/discovery.ts';
import { USER_OPERATIONS } from './users/users.ts';

/**
 * The operations of a home's control plane. Two may share method and path: the first one that admits the caller runs.
 *
 * @param added the operations that only this home serves. @default - none
 * @param elsewhere operations of the same API that another function serves, for its description. @default - none
 */
export function createOperations<Deps extends ControlPlaneDeps>(
  added: readonly OperationOf<Deps>[] = [],
  elsewhere: readonly Declaration[] = [],
): readonly OperationOf<Deps>[] {
  const served: readonly OperationOf<Deps>[] = [
    ...REGISTRATION_OPERATIONS,
    ...TENANT_OPERATIONS,
    ...PROGRESS_OPERATIONS,
    ...INVITATION_OPERATIONS,
    ...INTERNAL_OPERATIONS,
    ...TENANT_CONFIG_OPERATIONS,
    createSignUp(),
    ...DISCOVERY_OPERATIONS,
    ...USER_OPERATIONS,
    ...added,
    ...OPERATOR_OPERATIONS,
    ...DEAD_LETTER_OPERATIONS,
    ...HEALTH_OPERATIONS,
  ];
  const further = elsewhere.filter(({ id }) => !served.some((one) => one.id === id));
  return [...served, ...descriptionOperations([...served, ...further])];
}
