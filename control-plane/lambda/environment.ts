import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';

/** What the stack tells a function of the control plane (control-plane/infra/sbt-functions.ts sets it). */
const Environment = z.object({
  /** Set by Lambda itself. */
  AWS_REGION: z.string().min(1),
  /** Name of the platform's table. */
  TIERPLANE_TABLE: z.string().min(1),
  /** Name of the bus that events go out on: SBT's. */
  TIERPLANE_BUS: z.string().min(1),
  /** What names of this environment's queues and pools begin with. */
  TIERPLANE_PREFIX: z.string().min(1),
  /** Id of the user pool of system admins. */
  TIERPLANE_ADMIN_POOL: z.string().min(1),
  /** Id of that pool's public client, which admins sign in by. */
  TIERPLANE_ADMIN_CLIENT: z.string().min(1),
  /** Id of SBT's own client, by whose token the application plane's results come in. */
  TIERPLANE_MACHINE_CLIENT: z.string().min(1),
  /** ARN of the key that seals chosen passwords until their users exist. */
  TIERPLANE_PASSWORD_KEY: z.string().min(1),
  /** Where mails come from; SES has verified it. */
  TIERPLANE_SENDER: z.email(),
  /** Where a signed-up company signs in; named in mails. */
  TIERPLANE_APP_URL: z.url(),
});
export type Environment = z.output<typeof Environment>;

/** Throws CONFIG, naming every variable that is missing or malformed, never a value. */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const parsed = Environment.safeParse(variables);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new DomainError('CONFIG', `environment of the function: ${faults.join('; ')}`);
}
