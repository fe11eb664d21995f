import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stage } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import type { Capacity } from '../../../core/tier/tiers.ts';
import { PACKINGS } from '../../../core/tier/tiers.ts';
import type { PlatformProps } from '../../../infra/tierplane-stack.ts';
import { imagesOf } from './images.ts';
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

/**
 * A release: the silo templates, which become assets of the stack, and `manifest.json`, which lists them and the images. The
 * functions that deploy silo tenants take all of it from here.
 */
export class Release extends Construct {
  readonly manifest: Manifest;
  /** JSON of what `siloTemplate` needs, for an environment variable of a function. */
  readonly manifestJson: string;
  /** The object `manifest.json`, which names templates by their keys in the same bucket. */
  readonly manifestFile: Asset;
  /** What the function that deploys tenants must be able to read. */
  readonly templates: readonly Asset[];

  constructor(scope: Construct, props: PlatformProps & { readonly release: string }) {
    super(scope, 'Release');
    const { release } = props;
    const folder = join(Stage.of(this)?.assetOutdir ?? '', 'silo-templates');
    mkdirSync(folder, { recursive: true });
    const published = Object.entries(synthesizeSiloTemplates(props, join(folder, 'cdk'))).map(([name, template]) => {
      const path = join(folder, `${name}.json`);
      writeFileSync(path, template);
      const sha256 = createHash('sha256').update(template).digest('hex');
      return { name, sha256, asset: new Asset(this, name, { path }) };
    });
    const images = imagesOf(this, `tierplane-${props.environmentName}`, release);
    this.templates = published.map(({ asset }) => asset);
    this.manifest = {
      release,
      templates: Object.fromEntries(published.map(({ name, sha256, asset }) => [name, { url: asset.httpUrl, sha256 }])),
      images: Object.fromEntries(Object.entries(images).map(([image, uri]) => [image, { uri }])),
    };
    this.manifestJson = JSON.stringify({ release, templates: this.manifest.templates });
    const path = join(folder, 'manifest.json');
    // The bucket's name contains the account, which synthesis does not know.
    const keys = Object.fromEntries(
      published.map(({ name, sha256, asset }) => [name, { key: asset.s3ObjectKey, sha256 }]),
    );
    const tags = Object.fromEntries(
      Object.keys(images).map((image) => [image, `tierplane-${props.environmentName}/${image}:${release}`]),
    );
    writeFileSync(path, JSON.stringify({ release, templates: keys, images: tags }, undefined, 2));
    this.manifestFile = new Asset(this, 'Manifest', { path });
  }
}
