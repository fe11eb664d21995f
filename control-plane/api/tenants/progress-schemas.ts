import * as z from 'zod';
import type { ResponseBody } from '../../../core/http/operation.ts';
import { RESOURCE_KINDS } from '../../../core/plan/resources.ts';
import { TENANT_STATES } from '../../../core/tenant/lifecycle.ts';
import { Release } from '../http/release.ts';

// On AWS, a function of the application plane has these schemas without those of registrations.

export const TenantState = z.enum(TENANT_STATES).meta({ id: 'TenantState' });
const time = z.string().describe('ISO 8601, UTC.');

/** The tag of an image. */
const RELEASE = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export const Step = z
  .object({
    name: z.string(),
    status: z.enum(['running', 'done', 'failed']),
    startedAt: time,
    endedAt: time.optional(),
    reason: z.string().optional().describe('Why the step failed or, while it is running, what it waits for.'),
  })
  .meta({ id: 'Step', description: 'One step of an onboarding or offboarding.' });

export const TenantProgress = z
  .object({
    data: z.object({
      tenantId: z.string(),
      state: TenantState,
      reason: z.string().optional().describe('Why it failed; present in the state `failed`.'),
      steps: z.array(Step),
    }),
  })
  .meta({ id: 'TenantProgress' });
export type TenantProgress = ResponseBody<typeof TenantProgress>;

export const TenantPlan = z
  .object({
    data: z.object({
      tenantId: z.string(),
      changes: z.array(
        z.object({
          action: z.enum(['create', 'update', 'delete']),
          kind: z.enum(RESOURCE_KINDS),
          name: z.string().describe("Unique among the tenant's resources of this kind."),
        }),
      ),
    }),
  })
  .meta({ id: 'TenantPlan' });
export type TenantPlan = ResponseBody<typeof TenantPlan>;

export const TenantRelease = z.object({ data: Release }).meta({ id: 'TenantRelease' });
export type TenantRelease = ResponseBody<typeof TenantRelease>;

export const ReleaseUpdate = z
  .strictObject({
    release: z
      .string()
      .regex(RELEASE, `must match ${RELEASE.source}`)
      .optional()
      .describe("Must be the platform's release: a request for another one is refused. Default: the platform's."),
  })
  .meta({ id: 'ReleaseUpdate' });
