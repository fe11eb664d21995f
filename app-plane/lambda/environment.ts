import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';

/** The environment variables of the application plane's functions. Each function reads those that it needs. */
const Environment = z.object({
  /** Set by Lambda. */
  AWS_REGION: z.string().min(1),
  /** Name of the application plane's table. */
  TIERPLANE_TABLE: z.string().min(1),
  /** The first part of the names of this environment's user pools. */
  TIERPLANE_PREFIX: z.string().min(1),
  /** ARN of the key that encrypts passwords chosen at sign-up until their users exist. */
  TIERPLANE_PASSWORD_KEY: z.string().min(1),
  /** The page where tenants' users sign in, without a query. */
  TIERPLANE_APP_URL: z.url().transform((url) => new URL(url).href),
});
type Environment = z.output<typeof Environment>;

/** @throws CONFIG listing every missing or malformed variable, without values */
export function readEnvironment<Name extends keyof Environment>(
  variables: Readonly<Record<string, string | undefined>>,
  names: readonly Name[],
): Pick<Environment, Name> {
  const mask = Object.fromEntries(names.map((name) => [name, true])) as { [K in keyof Environment]?: true };
  const parsed = Environment.pick(mask).safeParse(variables);
  if (parsed.success) return parsed.data as Pick<Environment, Name>;
  const errors = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new DomainError('CONFIG', `invalid environment of the function: ${errors.join('; ')}`);
}
