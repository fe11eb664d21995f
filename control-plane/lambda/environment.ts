import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';

/** What the stack tells a function of the control plane (control-plane/infra/sbt-functions.ts sets it). */
const Environment = z.object({
  AWS_REGION: z.string().min(1),
  TIERPLANE_TABLE: z.string().min(1),
  TIERPLANE_BUS: z.string().min(1),
  /** What names of queues and pools begin with. */
  TIERPLANE_PREFIX: z.string().min(1),
  TIERPLANE_ADMIN_POOL: z.string().min(1),
  TIERPLANE_ADMIN_CLIENT: z.string().min(1),
  /** SBT's own client, by whose token the application plane's results come in. */
  TIERPLANE_MACHINE_CLIENT: z.string().min(1),
  TIERPLANE_PASSWORD_KEY: z.string().min(1),
  TIERPLANE_SENDER: z.email(),
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
