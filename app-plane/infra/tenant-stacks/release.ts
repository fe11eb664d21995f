import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack, Stage } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { type ManifestReference, manifestKey, RELEASES_FOLDER } from '../../../core/ports/manifests.ts';
import type { Capacity } from '../../../core/tier/tiers.ts';
import { PACKINGS } from '../../../core/tier/tiers.ts';
import type { PlatformProps } from '../../../infra/tierplane-stack.ts';
import { IMAGES } from '../registry-stack.ts';
import { offersEc2 } from './shared-cluster-stack.ts';
import { SiloDataStack } from './silo-data-stack.ts';
import { type Manifest, SILO_ISOLATIONS } from './silo-parameters.ts';
import { SiloStack } from './silo-stack.ts';

/** Adds the stacks of all silo templates to an app: one for each kind of deployment that the installation offers. */
export function addSiloStacks(app: App, props: PlatformProps): void {
  const capacities: Capacity[] = offersEc2(props.configuration) ? ['fargate', 'ec2'] : ['fargate'];
  for (const isolation of SILO_ISOLATIONS) {
    for (const packing of PACKINGS) {
      for (const capacity of capacities) new SiloStack(app, { ...props, isolation, packing, capacity });
    }
  }
  new SiloDataStack(app, props);
}

/** The silo templates as JSON, by name. @param outdir a folder for CDK's files. @default - a new folder */
export function synthesizeSiloTemplates(props: PlatformProps, outdir?: string): Record<string, string> {
  const app = new App({
    ...{ analyticsReporting: false, builtinCloudFormationValidation: false },
    ...(outdir !== undefined && { outdir }),
  });
  addSiloStacks(app, props);
  const stacks = app.synth().stacksRecursively;
  const suffix = props.environmentName === 'main' ? '' : `-${props.environmentName}`;
  return Object.fromEntries(
    stacks.map(({ stackName, template }) => [
      suffix === '' ? stackName : stackName.slice(0, -suffix.length),
      JSON.stringify(template),
    ]),
  );
}

export interface ReleaseProps extends PlatformProps {
  readonly release: string;
  /** The bucket of all releases. */
  readonly bucket: IBucket;
}

/**
 * A release: the silo templates and `manifest.json`, which lists them and the images, below `releases/<release>/` in the bucket.
 * Those of earlier releases remain there. The functions that deploy silo tenants take all of it from the bucket.
 */
export class Release extends Construct {
  /** JSON of the `ManifestReference` for the functions, which read the manifest itself from the bucket. */
  readonly reference: string;
  /** The objects that the functions must be able to read, as an ARN. */
  readonly objects: string;

  constructor(scope: Construct, props: ReleaseProps) {
    super(scope, 'Release');
    const { release, bucket } = props;
    const folder = join(Stage.of(this)?.assetOutdir ?? '', 'silo-templates');
    mkdirSync(folder, { recursive: true });
    const templates = Object.entries(synthesizeSiloTemplates(props, join(folder, 'cdk'))).map(([name, template]) => {
      const path = join(folder, `${name}.json`);
      writeFileSync(path, template);
      const sha256 = createHash('sha256').update(template).digest('hex');
      const key = `${RELEASES_FOLDER}/${release}/${name}-${sha256}.json`;
      this.#copy(new Asset(this, name, { path }), bucket, key);
      return [name, { key, sha256, parameters: Object.keys(JSON.parse(template).Parameters).sort() }] as const;
    });
    const manifest: Manifest = { release, templates: Object.fromEntries(templates), images: tagsOf(props) };
    const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
    writeFileSync(join(folder, 'manifest.json'), text);
    this.#write(bucket, manifestKey(release), text);
    this.reference = referenceTo(release, bucket, text);
    this.objects = bucket.arnForObjects(`${RELEASES_FOLDER}/*`);
  }

  /** The template's own digest is part of the key, so an object never changes. */
  #copy(asset: Asset, bucket: IBucket, Key: string): void {
    const CopySource = `${asset.s3BucketName}/${asset.s3ObjectKey}`;
    put(asset, 'copyObject', { Bucket: bucket.bucketName, Key, CopySource }, [
      new PolicyStatement({ actions: ['s3:GetObject'], resources: [asset.bucket.arnForObjects(asset.s3ObjectKey)] }),
      new PolicyStatement({ actions: ['s3:PutObject'], resources: [bucket.arnForObjects(Key)] }),
    ]);
  }

  #write(bucket: IBucket, Key: string, Body: string): void {
    put(this, 'putObject', { Bucket: bucket.bucketName, Key, Body, ContentType: 'application/json' }, [
      new PolicyStatement({ actions: ['s3:PutObject'], resources: [bucket.arnForObjects(Key)] }),
    ]);
  }
}

/** Repository and tag of each image. The registry's address contains the account, which synthesis does not know. */
function tagsOf({ environmentName, release }: ReleaseProps): Manifest['images'] {
  return Object.fromEntries(IMAGES.map((image) => [image, `tierplane-${environmentName}/${image}:${release}`]));
}

function referenceTo(release: string, bucket: IBucket, text: string): string {
  const stack = Stack.of(bucket);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const bucketUrl = `https://s3.${stack.region}.${stack.urlSuffix}/${bucket.bucketName}`;
  return stack.toJsonString({ release, bucketUrl, sha256 } satisfies ManifestReference);
}

/** Writes an object at deployment. It remains when it is no longer written. */
function put(
  scope: Construct,
  action: 'copyObject' | 'putObject',
  parameters: Readonly<Record<string, string>>,
  statements: PolicyStatement[],
): void {
  const physicalResourceId = PhysicalResourceId.of(parameters.Key ?? '');
  new AwsCustomResource(scope, 'Put', {
    onUpdate: { service: 'S3', action, parameters, physicalResourceId, outputPaths: ['ETag'] },
    policy: AwsCustomResourcePolicy.fromStatements(statements),
    installLatestAwsSdk: false,
  });
}
