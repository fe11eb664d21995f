import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { errorMessages } from '../core/error-messages.ts';
import { DomainError, messageOf } from '../core/errors.ts';
import { Email } from '../core/fields/email.ts';
import { visibleText } from '../core/fields/visible-text.ts';
import { ENVIRONMENT_NAME, ENVIRONMENT_RULE } from '../core/installation/environment-name.ts';
import { MAX_TENANT_NAME_LENGTH } from '../core/tenant/names.ts';
import { RESERVED_NAMES } from '../core/tenant/reserved-names.ts';
import { TIER_NAMES } from '../tenant-templates/tiers.ts';

const ROOT = join(import.meta.dirname, '..');
const DEFAULT_FILE = 'aws.json';

/** The periods that CloudWatch Logs offers, in days. */
const LOG_RETENTION_DAYS = [
  ...[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731],
  ...[1096, 1827, 2192, 2557, 2922, 3288, 3653],
];

/** Tags of AWS resources; `aws:` is reserved. */
const tag = z
  .string()
  .regex(
    /^(?!aws:)[A-Za-z0-9 _.:/=+@-]{1,256}$/,
    'must be 1 to 256 letters, digits, spaces and _ . : / = + - @, and must not begin with aws:',
  );
const CPU_ARCHITECTURES = ['ARM64', 'X86_64'] as const;
const MFA = ['optional', 'required'] as const;
const reservedNames = z.array(visibleText(MAX_TENANT_NAME_LENGTH));
const emails = z.array(Email).default([]);

const tags = z
  .strictObject({
    application: tag.default('tierplane').meta({ description: 'Value of the tag Application.' }),
    team: tag.default('platform').meta({ description: 'Value of the tag Team.' }),
    project: tag.default('tierplane').meta({ description: 'Value of the tag Project.' }),
    owner: tag.default('platform').meta({ description: 'Value of the tag Owner.' }),
  })
  .prefault({})
  .meta({ description: 'Tags of every resource. The tag Environment has the name of the environment.' });

const network = z
  .strictObject({
    availabilityZones: z.literal([2, 3]).default(3).meta({ description: 'Availability zones of the VPC.' }),
    egress: z.enum(['nat', 'endpoints']).default('nat').meta({
      description:
        'How tasks reach AWS services. `nat`: through NAT gateways. `endpoints`: through interface endpoints; only the keys that verify tokens are still read through NAT gateways (decision 32).',
    }),
    natGateways: z.int().min(1).max(3).default(1).meta({
      description:
        'NAT gateways; at most one per availability zone. With one per zone, tasks keep their access if a zone fails.',
    }),
  })
  .refine(({ natGateways, availabilityZones }) => natGateways <= availabilityZones, {
    path: ['natGateways'],
    error: 'must not be greater than availabilityZones',
  })
  .prefault({})
  .meta({ description: 'The VPC of the application plane.' });

const tier = z
  .strictObject({
    packing: z.enum(['per-service', 'one-task']).default('per-service').meta({
      description:
        '`per-service`: each service has tasks of its own. `one-task`: one task runs all services of a tenant.',
    }),
    capacity: z.enum(['fargate', 'ec2']).default('fargate').meta({ description: 'What runs the tasks.' }),
    spotPercent: z.int().min(0).max(100).default(0).meta({
      description: 'Share of the tasks that run on spare capacity of Fargate, which AWS may take back, in percent.',
    }),
  })
  .prefault({});

const ec2 = z
  .strictObject({
    instanceType: z
      .string()
      .regex(/^[a-z][a-z0-9-]{1,15}\.[a-z0-9-]{2,15}$/, 'must be an instance type such as m7g.large')
      .exactOptional()
      .meta({
        description: 'Instance type of clusters with EC2 capacity.',
        default: 'm7g.large, or m7i.large for X86_64',
      }),
    maxInstances: z.int().min(1).max(100).default(4).meta({ description: 'Most instances of a cluster.' }),
  })
  .prefault({})
  .meta({ description: 'Instances of tiers whose capacity is `ec2`.' });

/**
 * The file `aws.json`: how the AWS home is installed. Every key has a default; unknown keys fail. docs/configuration.md shows
 * each key's description and default from here (`npm run docs`).
 */
export const AWS_CONFIGURATION = z
  .strictObject({
    tags,
    network,
    shards: z.int().min(1).max(10).default(1).meta({
      description:
        'Load balancers, over which the tenants are distributed. Each serves up to 45 tenants with services of their own. Do not decrease it while tenants use the last one.',
    }),
    certificateArn: z
      .string()
      .regex(
        /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[a-z0-9-]{36}$/,
        'must be the ARN of an ACM certificate',
      )
      .exactOptional()
      .meta({
        description:
          'Certificate of the load balancers, for TLS between API Gateway and them. It needs `certificateHost`.',
        default: 'none: plain HTTP within the VPC',
      }),
    certificateHost: z
      .string()
      .regex(/^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, 'must be a host name in lower case')
      .exactOptional()
      .meta({ description: 'Host name that the certificate is valid for.', default: 'none' }),
    requestsPerAddress: z.int().min(10).max(2_000_000_000).exactOptional().meta({
      description: 'Requests of one client address to the REST API in five minutes. The firewall blocks more.',
      default: 'what the largest usage plan allows',
    }),
    cpuArchitecture: z
      .enum(CPU_ARCHITECTURES)
      .default('ARM64')
      .meta({ description: 'Processor architecture of tasks and images.' }),
    tiers: z
      .strictObject(
        Object.fromEntries(TIER_NAMES.map((name) => [name, tier])) as Record<(typeof TIER_NAMES)[number], typeof tier>,
      )
      .prefault({})
      .meta({ description: 'How the tasks of each tier run.' }),
    ec2,
    logRetentionDays: z
      .literal(LOG_RETENTION_DAYS)
      .default(90)
      .meta({ description: 'How long logs are kept, in days.' }),
    adminMfa: z.enum(MFA).default('optional').meta({
      description: 'Whether system administrators must use a second factor, or may.',
    }),
    ownPoolMfa: z.enum(MFA).default('optional').meta({
      description:
        'Whether the users of tenants with a user pool of their own must use a second factor, or may. It applies to pools that are created afterwards (decision 42).',
    }),
    reservedNames: reservedNames.default([...RESERVED_NAMES]).meta({
      description: 'Names that no new tenant may have, in any spelling.',
    }),
    alarmEmails: z
      .strictObject({
        critical: emails.meta({ description: 'Addresses that critical alarms are sent to.' }),
        warning: emails.meta({ description: 'Addresses that warnings are sent to.' }),
      })
      .prefault({})
      .meta({ description: 'Who is notified of alarms. AWS asks each address for a confirmation.' }),
  })
  .refine(({ certificateArn, certificateHost }) => (certificateArn === undefined) === (certificateHost === undefined), {
    path: ['certificateHost'],
    error: 'must be set together with certificateArn',
  });
export type Configuration = z.output<typeof AWS_CONFIGURATION>;

/** Options of the CDK app that are not part of the configuration file: `-c key=value`. */
const OPTIONS = z.object({
  environment: z.string().regex(ENVIRONMENT_NAME, ENVIRONMENT_RULE).default('main'),
  release: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 lowercase letters, digits, dots, underscores and hyphens')
    .optional(),
  controlPlaneOnly: z.stringbool().default(false),
  imageBuild: z.enum(['engine', 'codebuild']).default('engine'),
  nag: z.stringbool().default(false),
});

/** Options that override a key of the configuration file: the key, and how the option's text becomes its value. */
const OVERRIDES: Readonly<Record<string, { readonly key: string; value?(text: string): unknown }>> = {
  mfa: { key: 'adminMfa' },
  reservedNames: { key: 'reservedNames', value: (text) => text.split(',') },
  cpuArchitecture: { key: 'cpuArchitecture' },
};

/** What the stacks are made from. */
export interface Settings {
  /** `main`, or the name of another environment in the account. */
  readonly environmentName: string;
  /** Tag of the images. @default the version in package.json */
  readonly release: string;
  /** What builds the images: a container engine of the installer's machine, or AWS CodeBuild. */
  readonly imageBuild: 'engine' | 'codebuild';
  /** Whether to leave out the application plane. */
  readonly controlPlaneOnly: boolean;
  /** Whether to run cdk-nag and CDK's own validation. */
  readonly nag: boolean;
  readonly configuration: Configuration;
}

/**
 * The settings in the CDK context and in the configuration file that `-c configuration=FILE` names. Context overrides the
 * file. @default aws.json in the project's folder, which may be absent
 * @param context reads a value of the CDK context
 * @throws CONFIG with all errors of the context and of the file, each with its key, its rule and the value
 */
export function readSettings(context: (key: string) => unknown): Settings {
  const file = context('configuration');
  const fromFile = readFile(file === undefined ? undefined : String(file));
  const overrides = Object.entries(OVERRIDES).flatMap(([option, { key, value }]) => {
    const given = context(option);
    return given === undefined ? [] : [[key, value && typeof given === 'string' ? value(given) : given]];
  });
  const values = { ...fromFile, ...Object.fromEntries(overrides) };
  const given = Object.fromEntries(Object.keys(OPTIONS.shape).map((key) => [key, context(key)]));
  const options = OPTIONS.safeParse(given, { error: errorMessages });
  const configuration = AWS_CONFIGURATION.safeParse(values, { error: errorMessages });
  if (!options.success || !configuration.success) {
    throw invalid([...errorsOf(options.error, given), ...errorsOf(configuration.error, values)]);
  }
  const { environment: environmentName, release = packageVersion(), controlPlaneOnly, imageBuild, nag } = options.data;
  return { environmentName, release, controlPlaneOnly, imageBuild, nag, configuration: configuration.data };
}

function readFile(named: string | undefined): object {
  const path = named ?? join(ROOT, DEFAULT_FILE);
  if (named === undefined && !existsSync(path)) return {};
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new DomainError('CONFIG', `cannot read the configuration ${path}: ${messageOf(cause)}`, { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new DomainError('CONFIG', `the configuration ${path} must be a JSON object, got ${shown(value)}`);
}

/** The version in package.json. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };
  return version;
}

function errorsOf(error: z.ZodError | undefined, values: unknown): string[] {
  return (error?.issues ?? []).flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `${[...issue.path, key].join('.')}: unknown key`);
    }
    const value = issue.path.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
      values,
    );
    const got = value === undefined || issue.message.includes(', got ') ? '' : `, got ${shown(value)}`;
    return [`${issue.path.join('.')}: ${issue.message}${got}`];
  });
}

const SHOWN_LENGTH = 60;

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, SHOWN_LENGTH);
}

function invalid(errors: readonly string[]): DomainError {
  const count = errors.length === 1 ? '1 error' : `${errors.length} errors`;
  const lines = errors.map((error) => `  ${error}`).join('\n');
  return new DomainError(
    'CONFIG',
    `invalid configuration of the AWS home (${count}):\n${lines}\n  docs/configuration.md lists every key`,
  );
}
