import * as z from 'zod';
import { jsonIn } from '../../../core/encoding/json.ts';
import { Email } from '../../../core/fields/email.ts';
import { slugOf } from '../../../core/fields/slug.ts';
import { TENANT_STATES } from '../../../core/tenant/lifecycle.ts';
import { MAX_TENANT_NAME_LENGTH, TenantName } from '../../../core/tenant/names.ts';
import { IN_PROGRESS } from '../../../core/tenant/record.ts';
import {
  optionProblems,
  REGISTRATION_OPTIONS,
  registrationOptions,
} from '../../../core/tenant/registration-options.ts';
import { parseOutcome } from '../../../core/tenant/report.ts';
import { checkExtras, RESERVED_KEYS, TENANT_FIELDS } from '../../../core/tenant/reserved.ts';
import { TIERS } from '../../../tenant-templates/tiers.ts';
import { pageQuery, tier } from '../http/fields.ts';

const refused = z.never('is set by the platform').optional();

/** A schema for each of `keys` that refuses any value, so that every one of them is reported. */
function refuse<K extends string>(keys: readonly K[]): Record<K, typeof refused> {
  return Object.fromEntries(keys.map((key) => [key, refused])) as Record<K, typeof refused>;
}

/** Limits the number and the size of the customer's own keys: those that are not among `known`. */
function extrasLimit(known: readonly string[]) {
  return (value: object, context: z.RefinementCtx): void => {
    const problem = checkExtras(Object.fromEntries(Object.entries(value).filter(([key]) => !known.includes(key))));
    if (problem) context.addIssue({ code: 'custom', message: problem, params: { type: 'too_long' } });
  };
}

/** A value of one of the customer's own keys: any JSON. */
const extra = z.unknown();

/** What SBT's clients send along with a registration; it is ignored. */
const ignoredTenantId = z.unknown().optional();

export const NewTenantData = z
  .object({ tenantName: TenantName, email: Email, tier, ...registrationOptions, ...refuse(RESERVED_KEYS) })
  .catchall(extra)
  .superRefine(extrasLimit(TENANT_FIELDS))
  .superRefine((data, context) => {
    for (const { option, message } of optionProblems(data, { name: data.tier, ...TIERS[data.tier] })) {
      context.addIssue({ code: 'custom', path: [option], message, params: { type: 'option' } });
    }
  });

const NewRegistrationData = z
  .object({
    ...refuse(RESERVED_KEYS),
    ...refuse(TENANT_FIELDS),
    registrationStatus: z.literal(IN_PROGRESS, `must be '${IN_PROGRESS}' or absent`).optional(),
  })
  .catchall(extra)
  .superRefine(extrasLimit(['registrationStatus']));

export const NewRegistration = z
  .strictObject({
    tenantId: ignoredTenantId,
    tenantData: NewTenantData,
    tenantRegistrationData: NewRegistrationData.default({}),
    adminPassword: z.string().optional().meta({
      description: "Password of the tenant's first admin. Without it, an invitation is mailed.",
      writeOnly: true,
    }),
  })
  .meta({ id: 'NewTenantRegistration' });

const unchangeable = z.never("cannot be changed by an update of the tenant's data").optional();

/** What a customer may change. */
export const RegistrationChange = z
  .strictObject({
    tenantId: ignoredTenantId,
    tenantData: z
      .object({
        ...refuse(RESERVED_KEYS),
        tenantName: TenantName.optional(),
        email: Email.optional(),
        tier: unchangeable,
        ...Object.fromEntries(REGISTRATION_OPTIONS.map((option) => [option, unchangeable])),
      })
      .catchall(extra)
      .superRefine(extrasLimit(TENANT_FIELDS))
      .default({}),
    tenantRegistrationData: z
      .object({ ...refuse(RESERVED_KEYS), ...refuse(TENANT_FIELDS) })
      .catchall(extra)
      .superRefine(extrasLimit([]))
      .default({}),
  })
  .meta({ id: 'TenantRegistrationChange' });
export type RegistrationChange = z.output<typeof RegistrationChange>;

const ReportedStep = z.object({
  name: z.string(),
  status: z.enum(['running', 'done', 'failed']),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  reason: z.string().optional(),
});

const publicConfig = z
  .string()
  .max(8 * 1024)
  .refine(isJsonObject, 'must be the JSON text of an object');

function isJsonObject(text: string): boolean {
  const value = jsonIn(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const reportedStatus = z
  .string()
  .refine(
    (word) => word === IN_PROGRESS || parseOutcome(word) !== undefined,
    `must be '${IN_PROGRESS}', created, failed or deleted`,
  );

/** Keys that are never stored, not even if a machine client sends them. */
const NEVER_STORED = ['adminPassword', 'password'] as const;

export const ReportedTenantData = z
  .object({
    ...refuse(NEVER_STORED),
    tenantStatus: z.string().max(100).optional(),
    tenantConfig: publicConfig.optional(),
    reason: z.string().max(1000).optional(),
    steps: z.array(ReportedStep).max(200).optional(),
  })
  .catchall(extra)
  .default({});

/** What the application plane reports: the `jobOutput` of its events. */
export const RegistrationReport = z.strictObject({
  tenantId: ignoredTenantId,
  tenantData: ReportedTenantData,
  tenantRegistrationData: z
    .object({
      ...refuse(NEVER_STORED),
      registrationStatus: reportedStatus.optional(),
      reason: z.string().max(1000).optional(),
    })
    .catchall(extra)
    .default({}),
});
export type RegistrationReport = z.output<typeof RegistrationReport>;

export const TenantQuery = pageQuery.extend({
  state: z.enum(TENANT_STATES).optional(),
  tier: tier.optional(),
  name: z
    .string()
    .max(MAX_TENANT_NAME_LENGTH, `must have at most ${MAX_TENANT_NAME_LENGTH} characters`)
    .refine((prefix) => slugOf(prefix) !== '', 'must have a letter or digit')
    .optional()
    .meta({ description: 'Only tenants whose name begins with this. Names are compared as slugs.' }),
  include: z
    .literal('deleted', "must be 'deleted'")
    .optional()
    .meta({ description: 'Adds deleted tenants after the others.' }),
});
export type TenantQuery = z.output<typeof TenantQuery>;
