import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECSClient } from '@aws-sdk/client-ecs';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { App, Stack } from 'aws-cdk-lib';
import { StackRuntime } from '../../../adapters/aws/runtime/runtime.ts';
import { StackTenantData } from '../../../adapters/aws/runtime/tenant-data.ts';
import { systemClock, systemRandom } from '../../../adapters/shared/clock.ts';
import { fargateCluster, sharedCluster } from '../../../app-plane/infra/tenant-stacks/cluster.ts';
import { synthesizeSiloTemplates } from '../../../app-plane/infra/tenant-stacks/release.ts';
import {
  type SiloTemplateOptions,
  siloDataTemplate,
  siloTemplate,
} from '../../../app-plane/infra/tenant-stacks/silo-parameters.ts';
import { templateOnly } from '../../../app-plane/infra/tenant-stacks/silo-stack.ts';
import { tenantBoundary } from '../../../app-plane/infra/tenant-stacks/tenant-boundary.ts';
import { deploymentIdOf } from '../../../core/plan/deployment.ts';
import { placeOf } from '../../../core/plan/place.ts';
import type { DeploymentSpec } from '../../../core/ports/runtime.ts';
import type { TierName } from '../../../core/tier/tiers.ts';
import { AWS_CONFIGURATION } from '../../../infra/configuration.ts';
import { ACCOUNT_ID, type EmulatedAccount, REGION } from '../../../rehearsal/emulated-account.ts';
import { Stacks } from '../../../rehearsal/stacks.ts';
import type { TaskScene } from '../../../rehearsal/task/scene.ts';
import { SERVICES, TIERS } from '../../../tenant-templates/tiers.ts';
import { clientConfig } from '../account.ts';

export const PREFIX = 'tierplane-main';
export const RELEASE = '1.0.0';
const BUCKET = 'release';
const USERS_FUNCTION = `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:tenant-users`;

/** The image of a release, as silo templates name it. */
export function imageOf(name: string, release = RELEASE): string {
  return `${ACCOUNT_ID}.dkr.ecr.${REGION}.amazonaws.com/${PREFIX}/${name}:${release}`;
}

/** Silo tenants of an emulated account with containers, deployed by the adapters from the real templates. */
export class SiloScene {
  readonly runtime: StackRuntime;
  readonly data: StackTenantData;
  readonly #issuer: object;

  private constructor(account: EmulatedAccount, task: TaskScene, options: SiloTemplateOptions) {
    const cloudFormation = new CloudFormationClient(clientConfig(account));
    const real = siloTemplate(options);
    // One task of each kind is enough here.
    const template = {
      ...real,
      minTasks: 1,
      valuesOf: (spec: DeploymentSpec) => ({ ...real.valuesOf(spec), MinTasks: '1' }),
    };
    this.runtime = new StackRuntime({
      ...{ cloudFormation, ecs: new ECSClient(clientConfig(account)), template, clock: systemClock },
      ...{ prefix: PREFIX, poolStack: 'tenant-template-stack-basic' },
    });
    this.data = new StackTenantData({
      ...{ cloudFormation, dynamo: new DynamoDBClient(clientConfig(account)), prefix: PREFIX, pooledTables: [] },
      template: siloDataTemplate(options.manifest),
      hasServices: async (tenantId) => (await this.runtime.services({ tenantId })).length > 0,
      ...{ clock: systemClock, random: systemRandom },
    });
    const { UserPoolId, ClientId } = task.shared;
    this.#issuer = { issuer: `https://cognito-idp.${REGION}.amazonaws.com/${UserPoolId}`, clientIds: [ClientId] };
  }

  /** Publishes the templates of a release and creates what the stacks of silo tenants expect. */
  static async open(account: EmulatedAccount, task: TaskScene): Promise<SiloScene> {
    const created = await new Stacks(account).create('platform', platformTemplate());
    if (created.status !== 'CREATE_COMPLETE') throw new Error(created.failures.join('; '));
    const configuration = AWS_CONFIGURATION.parse({});
    const texts = synthesizeSiloTemplates({ environmentName: 'main', configuration });
    const { shared } = task;
    return new SiloScene(account, task, {
      manifest: { templates: await publish(account, texts) },
      network: {
        ...{ vpcId: shared.VpcId, subnetIds: shared.SubnetIds.split(',') },
        shards: [{ number: 1, listenerArn: shared.ListenerArn, securityGroupId: shared.LoadBalancerGroupId }],
      },
      cpuArchitecture: process.arch === 'arm64' ? 'ARM64' : 'X86_64',
      ...{ usersFunctionArn: USERS_FUNCTION, tiers: configuration.tiers },
      alarmTopicArn: `arn:aws:sns:${REGION}:${ACCOUNT_ID}:critical`,
    });
  }

  /** @param priority of the tenant's rule */
  specOf(tenantId: string, tier: TierName, priority: number, change: Partial<DeploymentSpec> = {}): DeploymentSpec {
    const place = { ...placeOf(tenantId, TIERS[tier]), shard: { number: 1, priority } };
    return {
      ...{ id: deploymentIdOf(tenantId), cluster: place.cluster, tenantId, tier, size: TIERS[tier].task },
      ...{ services: SERVICES, release: RELEASE, place },
      environment: { TIERPLANE_ISSUERS: JSON.stringify([{ ...this.#issuer, realm: place.realm }]) },
      ...change,
    };
  }
}

/** The shared cluster, and the boundary of tenants' roles. */
export function platformTemplate(): string {
  const app = new App({ analyticsReporting: false, builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'platform', { synthesizer: templateOnly() });
  fargateCluster(stack, sharedCluster(PREFIX));
  tenantBoundary(stack, PREFIX, USERS_FUNCTION);
  return JSON.stringify(app.synth().getStackArtifact(stack.artifactId).template);
}

async function publish(account: EmulatedAccount, texts: Readonly<Record<string, string>>) {
  const s3 = new S3Client({ ...clientConfig(account), forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const published = Object.entries(texts).map(async ([name, Body]) => {
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${name}.json`, Body }));
    return [name, { url: `https://s3.${REGION}.amazonaws.com/${BUCKET}/${name}.json`, sha256: '' }] as const;
  });
  return Object.fromEntries(await Promise.all(published));
}
