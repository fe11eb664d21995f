import type { AppPlaneDeps } from './http/deps.ts';
import type { OperationOf } from './http/operation.ts';
import { DEAD_LETTER_OPERATIONS } from './operator/dead-letter-operations.ts';
import { RELEASE_OPERATIONS } from './operator/releases.ts';
import { SERVICE_OPERATIONS } from './operator/services.ts';
import { INVITATION_OPERATIONS } from './tenants/invitation.ts';
import { PLAN_OPERATIONS } from './tenants/plan.ts';
import { PROGRESS_OPERATIONS } from './tenants/progress.ts';

/**
 * The operations that need the compute, the users or the events of the application plane. On AWS, a function of the
 * application plane serves them; the control plane's functions have no access to any of these.
 */
export const APP_PLANE_OPERATIONS: readonly OperationOf<AppPlaneDeps>[] = [
  ...PROGRESS_OPERATIONS,
  ...PLAN_OPERATIONS,
  ...INVITATION_OPERATIONS,
  ...SERVICE_OPERATIONS,
  ...RELEASE_OPERATIONS,
  ...DEAD_LETTER_OPERATIONS,
];
