import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';
import { Email } from '../../core/fields/email.ts';

/** Without the slash that the addresses of CDK may end with. */
const WebAddress = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/$/, ''));

/** The environment variables of the control plane's functions, set by control-plane/infra/control-plane-stack.ts. */
const Environment = z.object({
  /** Set by Lambda. */
  AWS_REGION: z.string().min(1),
  /** Name of the platform's table. */
  TIERPLANE_TABLE: z.string().min(1),
  /** Name of the application plane's table, which holds the users of tenants. */
  TIERPLANE_APP_PLANE_TABLE: z.string().min(1),
  /** Name of the event bus, which SBT creates. */
  TIERPLANE_BUS: z.string().min(1),
  /** The first part of the names of this environment's queues and user pools. */
  TIERPLANE_PREFIX: z.string().min(1),
  /** Id of the user pool of system administrators. */
  TIERPLANE_ADMIN_POOL: z.string().min(1),
  /** Id of that pool's public client, which administrators sign in with. */
  TIERPLANE_ADMIN_CLIENT: z.string().min(1),
  /** Id of SBT's machine client, whose token authorizes results of the application plane. */
  TIERPLANE_MACHINE_CLIENT: z.string().min(1),
  /** Id of the confidential client with which scripts use the API. */
  TIERPLANE_AUTOMATION_CLIENT: z.string().min(1),
  /** ARN of the key that encrypts passwords chosen at sign-up until their users exist. */
  TIERPLANE_PASSWORD_KEY: z.string().min(1),
  /** The sender address of mails, verified by SES. */
  TIERPLANE_SENDER: Email,
  /** The address in mails where a company that signed up can sign in. */
  TIERPLANE_APP_URL: z.url(),
  /** Names that no new tenant may have, separated by commas. */
  TIERPLANE_RESERVED_NAMES: z.string().transform((text) => text.split(',')),
});
export type Environment = z.output<typeof Environment>;

/** Variables of the account-pages function. */
const AccountsEnvironment = Environment.pick({
  AWS_REGION: true,
  TIERPLANE_TABLE: true,
  TIERPLANE_SENDER: true,
  TIERPLANE_ADMIN_POOL: true,
  TIERPLANE_ADMIN_CLIENT: true,
}).extend({
  /** Id of the client in the administrators' pool whose sign-ins prove a current password. */
  TIERPLANE_PASSWORD_CLIENT: z.string().min(1),
  /** Where the account pages are. Links in mails begin with it. */
  TIERPLANE_ACCOUNTS_URL: WebAddress,
  /** Where system users sign in. */
  TIERPLANE_ADMIN_URL: z.url(),
});
export type AccountsEnvironment = z.output<typeof AccountsEnvironment>;

/** @throws CONFIG listing every missing or malformed variable, without values */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  return parsed(Environment, variables);
}

/** As `readEnvironment`, for the function of the account pages. */
export function readAccountsEnvironment(variables: Readonly<Record<string, string | undefined>>): AccountsEnvironment {
  return parsed(AccountsEnvironment, variables);
}

function parsed<T extends z.ZodType>(schema: T, variables: Readonly<Record<string, string | undefined>>): z.output<T> {
  const result = schema.safeParse(variables);
  if (result.success) return result.data;
  const errors = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new DomainError('CONFIG', `invalid environment of the function: ${errors.join('; ')}`);
}
