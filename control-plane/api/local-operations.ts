import type { LocalDeps } from './http/deps.ts';
import type { OperationOf } from './http/operation.ts';
import { PROBE_OPERATIONS } from './operator/probe.ts';
import { RELEASE_OPERATIONS } from './operator/releases.ts';
import { SERVICE_OPERATIONS } from './operator/services.ts';
import { PLAN_OPERATIONS } from './tenants/plan.ts';
import { CREDENTIAL_OPERATIONS } from './users/credentials.ts';
import { PASSWORD_OPERATIONS } from './users/password.ts';

/** Operations of a home that runs services and realms itself: the embedded one. */
export const LOCAL_OPERATIONS: readonly OperationOf<LocalDeps>[] = [
  ...CREDENTIAL_OPERATIONS,
  ...PASSWORD_OPERATIONS,
  ...PLAN_OPERATIONS,
  ...SERVICE_OPERATIONS,
  ...RELEASE_OPERATIONS,
  ...PROBE_OPERATIONS,
];
