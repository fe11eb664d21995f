import { DomainError } from '../../../core/errors.ts';
import type { DeploymentSpec } from '../../../core/ports/runtime.ts';
import { REALM_ID, TENANT_ID } from '../../../core/tenant/ids.ts';
import type { Capacity, Packing, TierName } from '../../../core/tier/tiers.ts';
import { SERVICES, TIERS } from '../../../tenant-templates/tiers.ts';
import { oneTaskSize, serviceTaskSize } from './task-size.ts';

// The reconcile function uses this module, so it must not import CDK.

const SUBNET = 'subnet-[0-9a-z]+';
const ACCOUNT_ARN = (service: string) => `arn:aws[a-z-]*:${service}:[a-z0-9-]+:[0-9]{12}`;

/** The parameters of a silo template, each with the pattern that its value must match. */
export const SILO_PARAMETERS = {
  TenantId: TENANT_ID.source,
  Tier: '^[a-z]{1,20}$',
  /** The tag of the images. */
  Release: '^[a-z0-9][a-z0-9._-]{0,63}$',
  /** Where the tenant's users sign in. */
  Realm: REALM_ID.source,
  Issuer: '^https://cognito-idp\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?/[A-Za-z0-9_-]{1,55}$',
  /** The clients whose tokens the services accept, with commas between them. */
  ClientIds: '^[A-Za-z0-9]{1,128}(,[A-Za-z0-9]{1,128}){0,9}$',
  VpcId: '^vpc-[0-9a-z]+$',
  /** One subnet per availability zone, with commas between them. */
  SubnetIds: `^${SUBNET}(,${SUBNET}){1,2}$`,
  LoadBalancerGroupId: '^sg-[0-9a-z]+$',
  ListenerArn: `^${ACCOUNT_ARN('elasticloadbalancing')}:listener/app/[A-Za-z0-9/-]{1,200}$`,
  /** The number of the load balancer. */
  Shard: '^[1-9][0-9]{0,2}$',
  /** Of the rule at the listener. */
  Priority: '^[1-9][0-9]{0,4}$',
  CpuArchitecture: '^(ARM64|X86_64)$',
  UsersFunctionArn: `^${ACCOUNT_ARN('lambda')}:function:[A-Za-z0-9_-]{1,64}$`,
  AlarmTopicArn: `^${ACCOUNT_ARN('sns')}:[A-Za-z0-9_-]{1,256}$`,
  /** CPU units and MiB of each task. */
  Cpu: '^(256|512|1024|2048|4096)$',
  Memory: '^[1-9][0-9]{2,4}$',
  /** Bounds of the autoscaling of each service. */
  MinTasks: '^[0-9]{1,3}$',
  MaxTasks: '^[1-9][0-9]{0,2}$',
} as const;
export type SiloParameter = keyof typeof SILO_PARAMETERS;

/** Further parameters of a template whose tasks run on Fargate: its weight and that of spare capacity, whose sum is 100. */
export const FARGATE_PARAMETERS = {
  FargateWeight: '^(100|[1-9]?[0-9])$',
  SpotWeight: '^(100|[1-9]?[0-9])$',
} as const;

/** The parameters of the template of a tenant's tables. */
export const SILO_DATA_PARAMETERS = {
  TenantId: TENANT_ID.source,
  Tier: '^[a-z]{1,20}$',
  /** `own`: the tables are encrypted with a key of the tenant's own; `shared`: with DynamoDB's. */
  EncryptionKey: '^(own|shared)$',
} as const;

/** What tenants of a silo template have to themselves: their services, or also the cluster. */
export const SILO_ISOLATIONS = ['service', 'cluster'] as const;
export type SiloIsolation = (typeof SILO_ISOLATIONS)[number];

/** Names of templates in the manifest. */
export const DATA_TEMPLATE = 'silo-data';
export function templateName(isolation: SiloIsolation, packing: Packing, capacity: Capacity): string {
  return `silo-${isolation}-${packing}${capacity === 'fargate' ? '' : `-${capacity}`}`;
}

/** The logical id of the one service of a deployment that packs everything into one task. */
export const ONE_TASK_SERVICE = 'TasksService';
/** The parameter with the number of its tasks. */
export const ONE_TASK_COUNT = 'TasksCount';

/** The logical id of a service's `AWS::ECS::Service`. */
export function serviceLogicalId(service: string): string {
  return `${capitalized(service)}Service`;
}

/** The services of the pool's stack and of silo stacks, with the logical ids that each may have. */
export const DEPLOYED_SERVICES = SERVICES.map((service) => ({
  service,
  logicalIds: [serviceLogicalId(service), ONE_TASK_SERVICE],
}));

/** The parameter with a service's number of tasks. */
export function countParameter(service: string): string {
  return `${capitalized(service)}Count`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The permissions boundary of every role of a silo stack. The stack core-appplane has it. */
export function boundaryName(prefix: string): string {
  return `${prefix}-tenant-boundary`;
}

/** What a release consists of: the text of its `manifest.json`. */
export interface Manifest {
  readonly release: string;
  /** By name; see `templateName`. The key is that of an object in the same bucket, the digest hexadecimal. */
  readonly templates: Readonly<
    Record<string, { readonly key: string; readonly sha256: string; readonly parameters: readonly string[] }>
  >;
  /** Repository and tag, by service, and of `ingress`. */
  readonly images: Readonly<Record<string, string>>;
}

/** Where the templates of a release are. */
export interface TemplateUrls {
  readonly templates: Readonly<
    Record<
      string,
      {
        readonly url: string;
        /** Those that the template has: that of an earlier release may have fewer. @default - all of SILO_PARAMETERS */
        readonly parameters?: readonly string[];
      }
    >
  >;
}

/** How the tasks of a tier run, unless a tenant's registration chooses otherwise. */
export interface TierCapacity {
  readonly packing: Packing;
  readonly capacity: Capacity;
  /** Share of the tasks that run on spare capacity, in percent. */
  readonly spotPercent: number;
}

export interface SiloTemplateOptions {
  readonly manifest: TemplateUrls;
  readonly network: {
    readonly vpcId: string;
    /** Two or three, each in another availability zone. */
    readonly subnetIds: readonly string[];
    readonly shards: readonly {
      readonly number: number;
      readonly listenerArn: string;
      readonly securityGroupId: string;
    }[];
  };
  readonly cpuArchitecture: 'ARM64' | 'X86_64';
  /** ARN of the function `tenant-users`. */
  readonly usersFunctionArn: string;
  /** ARN of the topic that alarms notify. */
  readonly alarmTopicArn: string;
  readonly tiers: Readonly<Record<TierName, TierCapacity>>;
}

/** A template of the manifest, as CloudFormation takes it. */
export interface TemplateSource {
  readonly TemplateURL: string;
}

/** The `DeploymentTemplate` of `StackRuntime` (adapters/aws/runtime). */
export interface SiloTemplate {
  readonly minTasks: number;
  readonly services: readonly { readonly service: string; readonly logicalIds: readonly string[] }[];
  /** Throws INVALID if the release has no such template. */
  variantOf(spec: DeploymentSpec): {
    readonly source: TemplateSource;
    readonly patterns: Readonly<Record<string, RegExp>>;
    readonly desiredCounts: Readonly<Record<string, string>>;
  };
  valuesOf(spec: DeploymentSpec): Readonly<Record<string, string>>;
}

/** Two tasks, each in another availability zone. */
export const MIN_TASKS = 2;

/** How silo tenants are deployed with a release. */
export function siloTemplate(options: SiloTemplateOptions): SiloTemplate {
  const { manifest, tiers } = options;
  return {
    minTasks: MIN_TASKS,
    services: DEPLOYED_SERVICES,
    variantOf(spec) {
      const { packing, capacity } = choiceOf(spec, tiers);
      const name = templateName(isolationOf(spec), packing, capacity);
      const source = templateSource(manifest, name);
      const countOf = packing === 'one-task' ? () => ONE_TASK_COUNT : countParameter;
      const { parameters } = manifest.templates[name] ?? {};
      const patterns = patternsOf({ ...SILO_PARAMETERS, ...(capacity === 'fargate' && FARGATE_PARAMETERS) });
      return {
        source,
        patterns: parameters ? only(patterns, parameters) : patterns,
        desiredCounts: Object.fromEntries(SERVICES.map((service) => [service, countOf(service)])),
      };
    },
    valuesOf: (spec) => valuesOf(spec, options),
  };
}

function only<T>(values: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
}

/** @throws INVALID if the release has no such template */
export function templateSource({ templates }: TemplateUrls, name: string): TemplateSource {
  const template = templates[name];
  if (template) return { TemplateURL: template.url };
  const names = Object.keys(templates).join(', ');
  throw new DomainError('INVALID', `the template must be one of ${names}, got '${name}'; aws.json chooses capacities`);
}

export function patternsOf(parameters: Readonly<Record<string, string>>): Record<string, RegExp> {
  return Object.fromEntries(Object.entries(parameters).map(([name, pattern]) => [name, new RegExp(pattern)]));
}

/** The `DataTemplate` of `StackTenantData`: the tables of silo tenants. Those with a cluster have a key of their own, too. */
export function siloDataTemplate(manifest: TemplateUrls) {
  return {
    source: templateSource(manifest, DATA_TEMPLATE),
    valuesOf(tenantId: string, tier: TierName): Readonly<Record<keyof typeof SILO_DATA_PARAMETERS, string>> {
      const EncryptionKey = TIERS[tier].isolation === 'cluster' ? 'own' : 'shared';
      return { TenantId: tenantId, Tier: tier, EncryptionKey };
    },
  };
}

function choiceOf(
  spec: DeploymentSpec,
  tiers: SiloTemplateOptions['tiers'],
): Pick<TierCapacity, 'packing' | 'capacity'> {
  const { packing, capacity } = tiers[spec.tier];
  return { packing: spec.packing ?? packing, capacity: spec.capacity ?? capacity };
}

function isolationOf({ cluster, id }: DeploymentSpec): SiloIsolation {
  return cluster === id ? 'cluster' : 'service';
}

/** The values of all parameters; empty where the spec has none, so that the pattern refuses it. */
function valuesOf(spec: DeploymentSpec, options: SiloTemplateOptions): Record<string, string> {
  const { tenantId, tier, release, size, place } = spec;
  const { network, tiers, cpuArchitecture, usersFunctionArn, alarmTopicArn } = options;
  const shard = network.shards.find(({ number }) => number === place.shard?.number);
  const { issuer = '', clientIds = [] } = issuerIn(spec.environment);
  const { packing, capacity } = choiceOf(spec, tiers);
  const { cpu, memoryMiB } = packing === 'one-task' ? oneTaskSize(size, SERVICES.length) : serviceTaskSize(size);
  const { spotPercent } = tiers[tier];
  return {
    ...{ TenantId: tenantId ?? '', Tier: tier, Release: release, Realm: place.realm },
    ...{ Issuer: issuer, ClientIds: clientIds.join(',') },
    ...{ VpcId: network.vpcId, SubnetIds: network.subnetIds.join(',') },
    ...{ LoadBalancerGroupId: shard?.securityGroupId ?? '', ListenerArn: shard?.listenerArn ?? '' },
    ...{ Shard: String(shard?.number ?? ''), Priority: String(place.shard?.priority ?? '') },
    ...{ CpuArchitecture: cpuArchitecture, UsersFunctionArn: usersFunctionArn, AlarmTopicArn: alarmTopicArn },
    ...{ Cpu: String(cpu), Memory: String(memoryMiB) },
    ...{ MinTasks: String(Math.max(MIN_TASKS, size.desired)), MaxTasks: String(Math.max(MIN_TASKS, size.max)) },
    ...(capacity === 'fargate' && { FargateWeight: String(100 - spotPercent), SpotWeight: String(spotPercent) }),
  } satisfies Record<SiloParameter, string>;
}

/** The one issuer in the tasks' environment: `TIERPLANE_ISSUERS`, in the format that services read on AWS. */
function issuerIn(environment: DeploymentSpec['environment']): { issuer?: string; clientIds?: readonly string[] } {
  try {
    const [issuer, ...others] = JSON.parse(environment.TIERPLANE_ISSUERS ?? '[]');
    return others.length === 0 && Array.isArray(issuer?.clientIds) ? issuer : {};
  } catch {
    return {};
  }
}
