import * as z from 'zod';
import type { ResponseBody } from '../../../core/http/operation.ts';
import { pageOf } from '../../../core/http/page.ts';
import { TENANT_ACTIONS } from '../../../core/tenant/lifecycle.ts';
import { Step, TenantState } from './progress-schemas.ts';

const time = z.string().describe('ISO 8601, UTC.');

const TenantAction = z
  .object({
    name: z.enum(TENANT_ACTIONS),
    allowed: z.boolean(),
    reason: z.string().optional().describe('Why the tenant does not accept the action now.'),
  })
  .meta({ id: 'TenantAction' });

/** What a tenant and its registration have in common. */
const common = {
  tenantId: z.string(),
  tenantRegistrationId: z.string(),
  sbtaws_active: z.boolean().describe('false once the deletion of the tenant was requested.'),
  state: TenantState,
  reason: z.string().optional().describe('Why it failed; present in the state `failed`.'),
  steps: z.array(Step).optional().describe('Of the last run that the application plane reported.'),
  created: time,
  modified: time.describe('When the state or the data last changed. ISO 8601, UTC.'),
};

const Tenant = z
  .object({
    ...common,
    tenantName: z.string(),
    slug: z.string().describe('The name in lower case, words joined by hyphens; unique among tenants.'),
    email: z.string().describe("Of the tenant's first admin."),
    tier: z.string(),
    tenantStatus: z.string().optional().describe('As the application plane reported it.'),
    tenantConfig: z.string().optional().describe('JSON text of what a sign-in page needs; public.'),
    actions: z.array(TenantAction).describe('Every action, and whether the tenant accepts it now.'),
  })
  .catchall(z.unknown())
  .meta({ id: 'Tenant', description: "A tenant. Further keys are the customer's own." });
export type Tenant = ResponseBody<typeof Tenant>;

const TenantRegistration = z
  .object({
    ...common,
    registrationStatus: z.string().describe('`In progress`, or as the application plane reported it.'),
  })
  .catchall(z.unknown())
  .meta({ id: 'TenantRegistration', description: "A tenant's registration. Further keys are the customer's own." });

export const TenantResponse = z.object({ data: Tenant }).meta({ id: 'TenantResponse' });
export const TenantList = pageOf(Tenant).meta({ id: 'TenantList' });
export const RegistrationResponse = z.object({ data: TenantRegistration }).meta({ id: 'TenantRegistrationResponse' });
export const RegistrationList = pageOf(TenantRegistration).meta({ id: 'TenantRegistrationList' });

export const RegistrationCreated = z
  .object({
    data: z.object({ tenantRegistrationId: z.string(), tenantId: z.string(), message: z.string() }),
  })
  .meta({ id: 'TenantRegistrationCreated' });
export type RegistrationCreated = ResponseBody<typeof RegistrationCreated>;

export const RegistrationUpdated = z
  .object({
    data: z.object({
      tenantRegistration: TenantRegistration,
      tenant: Tenant.nullable().describe("null unless the request named the tenant's data."),
      message: z.string(),
    }),
  })
  .meta({ id: 'TenantRegistrationUpdated' });
export type RegistrationUpdated = ResponseBody<typeof RegistrationUpdated>;

export const RegistrationDeleted = z
  .object({ data: z.object({ message: z.string() }) })
  .meta({ id: 'TenantRegistrationDeleted' });

export const RegistrationRetried = z
  .object({
    data: z.object({
      tenantRegistrationId: z.string(),
      tenantId: z.string(),
      state: TenantState,
      message: z.string(),
    }),
  })
  .meta({ id: 'TenantRegistrationRetried' });

/** What the application plane reported for sign-in pages. */
export const TenantConfig = z
  .looseObject({
    authServer: z.string().optional().describe("The tenant's issuer."),
    clientId: z.string().optional(),
    wellKnownEndpointUrl: z.string().optional(),
    apiUrl: z.string().optional(),
    tenantName: z.string().optional(),
    userPoolId: z
      .string()
      .optional()
      .describe('On AWS. With the next two, for clients of the ECS reference architecture.'),
    appClientId: z.string().optional().describe('On AWS: equals `clientId`.'),
    apiGatewayUrl: z.string().optional().describe('On AWS: equals `apiUrl`.'),
  })
  .meta({ id: 'TenantConfig' });
