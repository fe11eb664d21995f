import { createHash } from 'node:crypto';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECSClient } from '@aws-sdk/client-ecs';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { App, Stack } from 'aws-cdk-lib';
import { openManifests } from '../../../adapters/aws/runtime/manifests.ts';
import { StackRuntime } from '../../../adapters/aws/runtime/runtime.ts';
import { StackTenantData } from '../../../adapters/aws/runtime/tenant-data.ts';
import { systemClock, systemRandom } from '../../../adapters/shared/clock.ts';
import { fargateCluster, sharedCluster } from '../../../app-plane/infra/tenant-stacks/cluster.ts';
import { synthesizeSiloTemplates } from '../../../app-plane/infra/tenant-stacks/release.ts';
import { type SiloTemplateOptions, siloDataTemplate } from '../../../app-plane/infra/tenant-stacks/silo-parameters.ts';
import { templateOnly } from '../../../app-plane/infra/tenant-stacks/silo-stack.ts';
import { tenantBoundary } from '../../../app-plane/infra/tenant-stacks/tenant-boundary.ts';
import { releasesTemplate } from '../../../app-plane/lambda/open-deployments.ts';
import { deploymentIdOf } from '../../../core/plan/deployment.ts';
import { placeOf } from '../../../core/plan/place.ts';
import { type Manifests, manifestKey, type PublishedRelease } from '../../../core/ports/manifests.ts';
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
/** A release with images, which a suite has to build. */
export const NEXT_RELEASE = '2.0.0';
/** A release without images. */
export const BAD_RELEASE = '6.6.6';
const RELEASES = [RELEASE, NEXT_RELEASE, BAD_RELEASE];
const BUCKET = 'releases-of-main';
const USERS_FUNCTION = `arn:aws:lambda:${REGION}:${ACCOUNT_ID}:function:tenant-users`;

/** The image of a release, as silo templates name it. */
export function imageOf(name: string, release = RELEASE): string {
  return `${ACCOUNT_ID}.dkr.ecr.${REGION}.amazonaws.com/${PREFIX}/${name}:${release}`;
}

interface Published {
  readonly manifests: Manifests;
  readonly current: PublishedRelease;
}

/** Silo tenants of an emulated account with containers, deployed by the adapters from the real templates. */
export class SiloScene {
  readonly runtime: StackRuntime;
  readonly data: StackTenantData;
  readonly #issuer: object;

  private constructor(
    account: EmulatedAccount,
    task: TaskScene,
    { current, manifests, ...options }: Omit<SiloTemplateOptions, 'manifest'> & Published,
  ) {
    const cloudFormation = new CloudFormationClient(clientConfig(account));
    const real = releasesTemplate(current, manifests, options);
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
      template: siloDataTemplate(current),
      hasServices: async (tenantId) => (await this.runtime.services({ tenantId })).length > 0,
      ...{ clock: systemClock, random: systemRandom },
    });
    const { UserPoolId, ClientId } = task.shared;
    this.#issuer = { issuer: `https://cognito-idp.${REGION}.amazonaws.com/${UserPoolId}`, clientIds: [ClientId] };
  }

  /** Publishes the templates of all releases and creates what the stacks of silo tenants expect. */
  static async open(account: EmulatedAccount, task: TaskScene): Promise<SiloScene> {
    const created = await new Stacks(account).create('platform', platformTemplate());
    if (created.status !== 'CREATE_COMPLETE') throw new Error(created.failures.join('; '));
    const configuration = AWS_CONFIGURATION.parse({});
    const texts = synthesizeSiloTemplates({ environmentName: 'main', configuration });
    const { shared } = task;
    return new SiloScene(account, task, {
      ...(await publish(account, texts)),
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

/** All releases have the same templates, each below its own name. The first one is current. */
async function publish(account: EmulatedAccount, texts: Readonly<Record<string, string>>): Promise<Published> {
  const s3 = new S3Client({ ...clientConfig(account), forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const published = await Promise.all(RELEASES.map((release) => publishRelease(s3, release, texts)));
  const bucketUrl = `https://s3.${REGION}.amazonaws.com/${BUCKET}`;
  const manifests = openManifests(s3, { release: RELEASE, bucketUrl, sha256: published[0] ?? '' });
  return { manifests, current: await manifests.of(RELEASE) };
}

/** @returns the digest of the manifest */
async function publishRelease(s3: S3Client, release: string, texts: Readonly<Record<string, string>>): Promise<string> {
  const put = (Key: string, Body: string) => s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
  const sha256Of = (text: string) => createHash('sha256').update(text).digest('hex');
  const templates = Object.entries(texts).map(async ([name, text]) => {
    const key = `releases/${release}/${name}.json`;
    await put(key, text);
    return [name, { key, sha256: sha256Of(text), parameters: Object.keys(JSON.parse(text).Parameters) }] as const;
  });
  const manifest = JSON.stringify({ release, templates: Object.fromEntries(await Promise.all(templates)) });
  await put(manifestKey(release), manifest);
  return sha256Of(manifest);
}
