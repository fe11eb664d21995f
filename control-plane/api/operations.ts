import { descriptionOperations } from './description/describe.ts';
import type { ControlPlaneOperation } from './http/operation.ts';
import { HEALTH_OPERATIONS } from './operator/health.ts';
import { OPERATOR_OPERATIONS } from './operator/operator.ts';
import { PROBE_OPERATIONS } from './operator/probe.ts';
import { createSignUp } from './sign-up/sign-up.ts';
import { INTERNAL_OPERATIONS } from './tenants/internal.ts';
import { REGISTRATION_OPERATIONS } from './tenants/registrations.ts';
import { TENANT_CONFIG_OPERATIONS } from './tenants/tenant-config.ts';
import { TENANT_OPERATIONS } from './tenants/tenants.ts';
import { CREDENTIAL_OPERATIONS } from './users/credentials.ts';
import { DISCOVERY_OPERATIONS } from './users/discovery.ts';
import { USER_OPERATIONS } from './users/users.ts';

/**
 * All operations of the control plane. Two may share method and path: the first one that admits the caller runs.
 *
 * @param serves whether this home serves the path. @default - it serves all paths
 */
export function createOperations(serves: (path: string) => boolean = () => true): readonly ControlPlaneOperation[] {
  const all: readonly ControlPlaneOperation[] = [
    ...REGISTRATION_OPERATIONS,
    ...TENANT_OPERATIONS,
    ...INTERNAL_OPERATIONS,
    ...TENANT_CONFIG_OPERATIONS,
    createSignUp(),
    ...DISCOVERY_OPERATIONS,
    ...USER_OPERATIONS,
    ...CREDENTIAL_OPERATIONS,
    ...OPERATOR_OPERATIONS,
    ...PROBE_OPERATIONS,
    ...HEALTH_OPERATIONS,
  ];
  const served = all.filter(({ path }) => serves(path));
  return [...served, ...descriptionOperations(served)];
}
