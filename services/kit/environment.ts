import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';
import type { RealmId } from '../../core/ports/identity.ts';
import { isRealmId, TENANT_ID } from '../../core/tenant/ids.ts';

export const Realm = z.custom<RealmId>(isRealmId).describe('admin, pool or tenant-<id>');
export const TenantOrNone = z.string().refine((id) => id === '' || TENANT_ID.test(id), 'must be a tenant id or empty');
export const IdentityUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

/** JSON text of a value that matches `schema`. */
export function jsonOf<T extends z.ZodType>(schema: T) {
  return z.string().transform(parseJson).pipe(schema);
}

const Issuers = z.array(
  z.strictObject({
    issuer: z.string().min(1),
    realm: Realm,
    clientIds: z.array(z.string()),
    audience: z.string().min(1),
    jwksUri: z.string().min(1),
  }),
);

/** The environment variables of a task. */
const Environment = z.object({
  /** Folder under services/. */
  TIERPLANE_SERVICE: z.string().min(1),
  /** Path of the Unix socket to listen on; the kernel accepts at most 107 bytes. */
  TIERPLANE_SOCKET: z.string().min(1).max(107),
  TIERPLANE_TASK_ID: z.string().min(1),
  /** The only tenant that the task serves; empty for a pooled task. */
  TIERPLANE_TENANT: TenantOrNone,
  TIERPLANE_DATA_FILE: z.string().min(1),
  /** JSON: the issuers whose tokens are accepted, and the locations of their keys. */
  TIERPLANE_ISSUERS: jsonOf(Issuers),
  /** The public URL; identity's realms are below it. */
  TIERPLANE_IDENTITY_URL: IdentityUrl,
});
export type Environment = z.output<typeof Environment>;

/** Throws CONFIG with every error and its variable. */
export function readEnvironment(variables: Variables): Environment {
  return parseEnvironment(Environment, variables);
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** Throws CONFIG with every error and its variable, without values. */
export function parseEnvironment<T extends z.ZodType>(schema: T, variables: Variables): z.output<T> {
  const parsed = schema.safeParse(variables);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  const count = errors.length === 1 ? '1 error' : `${errors.length} errors`;
  throw new DomainError('CONFIG', `invalid environment of the task (${count}):\n${errors.join('\n')}`);
}

function parseJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON' });
    return z.NEVER;
  }
}
