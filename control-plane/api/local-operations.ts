import type { ControlPlaneOperation } from './http/operation.ts';
import { PROBE_OPERATIONS } from './operator/probe.ts';
import { SERVICE_OPERATIONS } from './operator/services.ts';
import { CREDENTIAL_OPERATIONS } from './users/credentials.ts';
import { PASSWORD_OPERATIONS } from './users/password.ts';

/** Operations of a home that runs services and realms itself: the embedded one. */
export const LOCAL_OPERATIONS: readonly ControlPlaneOperation[] = [
  ...CREDENTIAL_OPERATIONS,
  ...PASSWORD_OPERATIONS,
  ...SERVICE_OPERATIONS,
  ...PROBE_OPERATIONS,
];
