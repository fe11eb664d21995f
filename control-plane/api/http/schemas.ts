import * as z from 'zod';
import { TENANT_STATES } from '../../../core/tenant/lifecycle.ts';
import { slugOf, TENANT_NAME } from '../../../core/tenant/names.ts';
import { IN_PROGRESS } from '../../../core/tenant/record.ts';
import { parseOutcome } from '../../../core/tenant/report.ts';
import { checkExtras, RESERVED_KEYS, TENANT_FIELDS } from '../../../core/tenant/reserved.ts';
import { parseTier, TIER_NAMES } from '../../../core/tier/tiers.ts';

const MAX_EMAIL = 254;

export const tenantName = z
  .string()
  .regex(TENANT_NAME, { error: "must have 2 to 63 letters, digits, spaces, '.', '_', '-'", abort: true })
  .refine((name) => slugOf(name) !== '', 'must have a letter or digit');

export const email = z.email('must be an email address').max(MAX_EMAIL);

const tierName = z.string().meta({ description: `${TIER_NAMES.join(', ')}, in any case of letters` });

export const tier = tierName.transform((raw, context) => {
  const found = parseTier(raw);
  if (found) return found;
  context.addIssue({
    code: 'custom',
    message: `must be one of ${TIER_NAMES.join(', ')}, got '${raw.slice(0, 40)}'`,
    params: { type: 'enum' },
  });
  return z.NEVER;
});

const onlyThePlatform = z.never('is set by the platform alone').optional();
/** Each key present and not undefined is a fault of its own, next to all others. */
function refuse<K extends string>(keys: readonly K[]): Record<K, typeof onlyThePlatform> {
  return Object.fromEntries(keys.map((key) => [key, onlyThePlatform])) as Record<K, typeof onlyThePlatform>;
}

/** Refuses too much of the customer's own: what is not among `known`. */
function extrasLimit(known: readonly string[]) {
  return (value: object, context: z.RefinementCtx): void => {
    const fault = checkExtras(Object.fromEntries(Object.entries(value).filter(([key]) => !known.includes(key))));
    if (fault) context.addIssue({ code: 'custom', message: fault, params: { type: 'too_long' } });
  };
}

/** Whatever JSON can say: a body is JSON by the time a schema sees it. */
const extra = z.unknown();

export const tenantData = z
  .object({ tenantName, email, tier, ...refuse(RESERVED_KEYS) })
  .catchall(extra)
  .superRefine(extrasLimit(TENANT_FIELDS));

const registrationData = z
  .object({
    ...refuse(RESERVED_KEYS),
    ...refuse(TENANT_FIELDS),
    registrationStatus: z.literal(IN_PROGRESS, `is set by the platform; a new one is '${IN_PROGRESS}'`).optional(),
  })
  .catchall(extra)
  .superRefine(extrasLimit(['registrationStatus']));

/** POST /tenant-registrations. `tenantId` is what SBT's clients send along; it is ignored. */
export const newRegistration = z.strictObject({
  tenantId: z.unknown().optional(),
  tenantData,
  tenantRegistrationData: registrationData.default({}),
  adminPassword: z.string().optional().meta({
    description: "Chosen password of the tenant's first admin; without it an invitation is mailed.",
    writeOnly: true,
  }),
});
export type NewRegistration = z.output<typeof newRegistration>;

/** PATCH /tenant-registrations/{id} by an admin: what a customer may change. */
export const registrationChange = z.strictObject({
  tenantId: z.unknown().optional(),
  tenantData: z
    .object({
      ...refuse(RESERVED_KEYS),
      tenantName: tenantName.optional(),
      email: email.optional(),
      tier: z.never("cannot be changed by an update of the tenant's data").optional(),
    })
    .catchall(extra)
    .superRefine(extrasLimit(TENANT_FIELDS))
    .default({}),
  tenantRegistrationData: z
    .object({ ...refuse(RESERVED_KEYS), ...refuse(TENANT_FIELDS) })
    .catchall(extra)
    .superRefine(extrasLimit([]))
    .default({}),
});
export type RegistrationChange = z.output<typeof registrationChange>;

const step = z.object({
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
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

const outcomeWord = z
  .string()
  .refine(
    (word) => word === IN_PROGRESS || parseOutcome(word) !== undefined,
    `must be '${IN_PROGRESS}', created, failed or deleted`,
  );

/** Names that are never stored, whoever sends them. */
const NEVER_STORED = ['adminPassword', 'password'] as const;

/** PATCH /tenant-registrations/{id} by the application plane: the `jobOutput` of its events. */
export const registrationReport = z.strictObject({
  tenantId: z.unknown().optional(),
  tenantData: z
    .object({
      ...refuse(NEVER_STORED),
      tenantStatus: z.string().max(100).optional(),
      tenantConfig: publicConfig.optional(),
      reason: z.string().max(1000).optional(),
      steps: z.array(step).max(200).optional(),
    })
    .catchall(extra)
    .default({}),
  tenantRegistrationData: z
    .object({
      ...refuse(NEVER_STORED),
      registrationStatus: outcomeWord.optional(),
      reason: z.string().max(1000).optional(),
    })
    .catchall(extra)
    .default({}),
});
export type RegistrationReport = z.output<typeof registrationReport>;

/** A whole number in a query, in pydantic's faults. */
function count(limits: { readonly max?: number }) {
  return z
    .string()
    .transform((raw, context) => {
      if (/^\s*[+-]?\d{1,15}\s*$/.test(raw)) return Number(raw);
      context.addIssue({ code: 'custom', message: 'must be a whole number', params: { type: 'int_parsing' } });
      return z.NEVER;
    })
    .pipe(
      z
        .number()
        .gt(0, 'must be greater than 0')
        .lte(limits.max ?? Number.MAX_SAFE_INTEGER, `must be at most ${limits.max}`),
    )
    .optional()
    .meta({ type: 'integer', minimum: 1, ...(limits.max !== undefined && { maximum: limits.max }) });
}

/** SBT names no greatest `limit`; a page of ours is never longer than the store's. */
export const MAX_PAGE = 1000;
const DEFAULT_PAGE = 10;
const limit = count({}).transform((given) => Math.min(given ?? DEFAULT_PAGE, MAX_PAGE));
/** An empty one means none. */
const nextToken = z
  .string()
  .optional()
  .transform((token) => token || undefined)
  .meta({ description: 'The `next_token` of the page before; empty means none.' });

export const page = z.object({ limit, next_token: nextToken });

export const tenantList = page.extend({
  state: z.enum(TENANT_STATES).optional(),
  tier: tier.optional(),
  name: z
    .string()
    .max(63, 'must have at most 63 characters')
    .refine((prefix) => slugOf(prefix) !== '', 'must have a letter or digit')
    .optional()
    .meta({ description: 'Only tenants whose name begins so; compared as slugs.' }),
  include: z
    .literal('deleted', "must be 'deleted'")
    .optional()
    .meta({ description: 'Deleted tenants, too, after the living ones.' }),
});
export type TenantList = z.output<typeof tenantList>;

/** POST /onboarding. */
export const signUp = z.strictObject({
  tenant_name: tenantName,
  email,
  password: z.string().meta({ writeOnly: true }),
});

/** Also what may be asked for: whoever cannot be called so does not exist. */
export const userName = z
  .string()
  .min(1, { error: 'must not be empty', abort: true })
  .max(128, 'must have at most 128 characters')
  .regex(/^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$/u, 'must have no spaces or control characters')
  .refine((name) => !/^\.{1,2}$/.test(name), 'must not be a step in a path');
const userRole = z
  .string()
  .min(1, { error: 'must not be empty', abort: true })
  .max(64, 'must have at most 64 characters')
  .regex(/^\P{C}+$/u, 'must have no control characters');

export const newUser = z.strictObject({ userName, userRole, email });
export const userChange = z.strictObject({ userRole, email });
export const userPage = z.object({
  limit: count({ max: 60 }).transform((given) => given ?? DEFAULT_PAGE),
  next_token: nextToken,
});

const serviceKey = {
  cluster: z.string().regex(/^(pool|shared|tenant-[a-z0-9]{8,26})$/, 'must be pool, shared or tenant-<id>'),
  tenantId: z.string().nullable().default(null),
  service: z.string().min(1).max(63),
};
export const restart = z.strictObject(serviceKey);
export const scale = z.strictObject({ ...serviceKey, desired: z.int('must be a whole number').min(0).max(1000) });
export const serviceList = z.object({ cluster: serviceKey.cluster.optional(), tenantId: z.string().optional() });
export const deadLetterPage = page.extend({ consumer: z.string().max(100).optional() });
