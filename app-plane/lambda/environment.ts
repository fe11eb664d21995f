import * as z from 'zod';
import { jsonIn } from '../../core/encoding/json.ts';
import { DomainError } from '../../core/errors.ts';
import { TIER_NAMES } from '../../tenant-templates/tiers.ts';

/** JSON text of a value that matches `schema`. */
function json<T extends z.ZodType>(schema: T) {
  return z.string().transform(jsonIn).pipe(schema);
}

const text = z.string().min(1);
const arn = z.string().regex(/^arn:/, 'must be an ARN');

const TierName = z.enum(TIER_NAMES);
const TierCapacities = z.record(
  TierName,
  z.object({
    packing: z.enum(['per-service', 'one-task']),
    capacity: z.enum(['fargate', 'ec2']),
    spotPercent: z.int().min(0).max(100),
  }),
);
/** @see ManifestReference */
const Manifest = z.object({ release: text, bucketUrl: z.url(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });
/** Ten load balancers must fit into the environment of a function, so what their listeners' ARNs have in common is given once. */
const Network = z
  .object({
    vpcId: text,
    subnetIds: z.array(text).min(1),
    /** `arn:...:listener/`. */
    listeners: arn,
    /** In the order of their numbers, from 1: the end of the listener's ARN, and the security group. */
    shards: z.array(z.tuple([text, text])).min(1),
  })
  .transform(({ vpcId, subnetIds, listeners, shards }) => ({
    ...{ vpcId, subnetIds },
    shards: shards.map(([listener, securityGroupId], i) => {
      return { number: i + 1, listenerArn: `${listeners}${listener}`, securityGroupId };
    }),
  }));

/** The environment variables of the application plane's functions. Each function reads those that it needs. */
const Environment = z.object({
  /** Set by Lambda. */
  AWS_REGION: text,
  /** Name of the application plane's table. */
  TIERPLANE_TABLE: text,
  /** Name of the control plane's table. */
  TIERPLANE_CONTROL_PLANE_TABLE: text,
  /** Id of SBT's machine client, and of the confidential client with which scripts use the control plane's API. */
  TIERPLANE_MACHINE_CLIENT: text,
  TIERPLANE_AUTOMATION_CLIENT: text,
  /** The release that new tenants get. */
  TIERPLANE_RELEASE: text,
  /** The first part of the names of this environment's stacks, queues and user pools. */
  TIERPLANE_PREFIX: text,
  /** ARN of the key that encrypts passwords chosen at sign-up until their users exist. */
  TIERPLANE_PASSWORD_KEY: text,
  /** The page where tenants' users sign in, without a query. */
  TIERPLANE_APP_URL: z.url().transform((url) => new URL(url).href),
  /** Where the account pages are. Links in mails begin with it. */
  TIERPLANE_ACCOUNTS_URL: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/$/, '')),
  /** The sender address of mails, verified by SES. */
  TIERPLANE_SENDER: text,
  /** Name or ARN of SBT's event bus. */
  TIERPLANE_BUS: text,
  /** URL of the queue of tenants to work on. */
  TIERPLANE_WORK_QUEUE: z.url(),
  /** URL of the REST API with its stage, without a slash at its end. */
  TIERPLANE_API_URL: z.url({ protocol: /^https?$/ }).regex(/[^/]$/, 'must not end with a slash'),
  /** Id of the REST API. */
  TIERPLANE_REST_API: text,
  /** JSON: the id of the usage plan of each tier. */
  TIERPLANE_USAGE_PLANS: json(z.record(TierName, text)),
  /** JSON: the release that new tenants get, and where its manifest is. */
  TIERPLANE_MANIFEST: json(Manifest),
  /** `main`, or the name of another environment in the account. */
  TIERPLANE_ENVIRONMENT: text,
  /** JSON: how the tasks of each tier run. */
  TIERPLANE_TIERS: json(TierCapacities),
  /** ARN of the topic that alarms of tenants' stacks notify. */
  TIERPLANE_ALARM_TOPIC: arn,
  /** ARN of the role with which CloudFormation creates tenants' stacks. */
  TIERPLANE_DEPLOYMENT_ROLE: arn,
  /** Name of the stack of the pooled services. */
  TIERPLANE_POOL_STACK: text,
  /** JSON: names of the pooled tables. */
  TIERPLANE_POOLED_TABLES: json(z.array(text)),
  /** JSON: where tasks run, and the load balancers that reach them. */
  TIERPLANE_NETWORK: json(Network),
  /** JSON: the addresses of the load balancers, and the host name in their certificate. */
  TIERPLANE_LOAD_BALANCERS: json(
    z.object({
      balancers: z.array(z.object({ number: z.int().min(1), dnsName: text })).min(1),
      tlsHost: text.optional(),
    }),
  ),
  /** Name or ARN of the function that sends smoke requests. */
  TIERPLANE_SMOKE_FUNCTION: text,
  /** Id of the pooled user pool, and of its public client. */
  TIERPLANE_POOL_USER_POOL: text,
  TIERPLANE_POOL_CLIENT: text,
  /** ARNs of the functions that user pools invoke, and of the one that the users service invokes. */
  TIERPLANE_PRE_TOKEN_FUNCTION: arn,
  TIERPLANE_CUSTOM_MESSAGE_FUNCTION: arn,
  TIERPLANE_USERS_FUNCTION: arn,
  /** Whether users of tenants with a user pool of their own must use a second factor. */
  TIERPLANE_OWN_POOL_MFA: z.enum(['optional', 'required']),
  /** The CPU architecture of tasks. */
  TIERPLANE_CPU_ARCHITECTURE: z.enum(['ARM64', 'X86_64']),
});
export type Environment = z.output<typeof Environment>;

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
