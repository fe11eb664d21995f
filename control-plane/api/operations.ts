import { descriptionOperations } from './description/describe.ts';
import type { ControlPlaneOperation } from './http/operation.ts';
import { HEALTH_OPERATIONS } from './operator/health.ts';
import { OPERATOR_OPERATIONS } from './operator/operator.ts';
import { createSignUp } from './sign-up/sign-up.ts';
import { INTERNAL_OPERATIONS } from './tenants/internal.ts';
import { INVITATION_OPERATIONS } from './tenants/invitation.ts';
import { REGISTRATION_OPERATIONS } from './tenants/registrations.ts';
import { TENANT_CONFIG_OPERATIONS } from './tenants/tenant-config.ts';
import { TENANT_OPERATIONS } from './tenants/tenants.ts';
import { DISCOVERY_OPERATIONS } from './users/discovery.ts';
import { USER_OPERATIONS } from './users/users.ts';

/**
 * The operations of a home's control plane. Two may share method and path: the first one that admits the caller runs.
 *
 * @param added the operations that only this home serves. @default - none
 */
export function createOperations(added: readonly ControlPlaneOperation[] = []): readonly ControlPlaneOperation[] {
  const served: readonly ControlPlaneOperation[] = [
    ...REGISTRATION_OPERATIONS,
    ...TENANT_OPERATIONS,
    ...INVITATION_OPERATIONS,
    ...INTERNAL_OPERATIONS,
    ...TENANT_CONFIG_OPERATIONS,
    createSignUp(),
    ...DISCOVERY_OPERATIONS,
    ...USER_OPERATIONS,
    ...added,
    ...OPERATOR_OPERATIONS,
    ...HEALTH_OPERATIONS,
  ];
  return [...served, ...descriptionOperations(served)];
}
