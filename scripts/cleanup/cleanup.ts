import { parseArgs } from 'node:util';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { DeleteServiceCommand, ECSClient } from '@aws-sdk/client-ecs';
import { S3Client } from '@aws-sdk/client-s3';
import { emptyBucket, stopLogging } from './buckets.ts';
import { deleteStack } from './delete-stack.ts';
import { disable, untilDisabled } from './distributions.ts';
import { Inventory, type OwnResource, type OwnStack } from './inventory.ts';
import { type Operations, startOperations, unlessGone } from './operation.ts';
import { deleteRetained } from './retained.ts';
import { offboardTenants } from './tenants.ts';

/**
 * `node scripts/cleanup/cleanup.ts --environment NAME [--dry-run]`: deletes what an installation created in the account and
 * region of the current credentials; scripts/cleanup/cleanup.sh asks first. Exits with 1 if something could not be deleted.
 */
const { environment, 'dry-run': dryRun } = parseArgs({
  options: { environment: { type: 'string', default: 'main' }, 'dry-run': { type: 'boolean', default: false } },
}).values;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const operations = startOperations(say, { dryRun });
  const client = new CloudFormationClient({});
  const inventory = new Inventory(client, environment);
  const before = await inventory.stacks();
  if (before.flat().some(({ exists, name }) => exists && name.startsWith('core-appplane-stack'))) {
    say('Tenants:');
    await offboardTenants(environment, operations);
  }
  // Offboarding has deleted stacks.
  const stacks = await inventory.stacks();
  const existing = stacks.flat().filter(({ exists }) => exists);
  if (stacks.length === 0) say(`Environment '${environment}' has no stacks here.`);
  await prepare((await Promise.all(existing.map((stack) => inventory.resources(stack)))).flat(), operations);
  await deleteStacks(client, stacks, operations);
  await deleteWhatRemains(inventory, stacks.flat(), operations);
  report(operations);
}

/** Ends what would keep a stack from being deleted. */
async function prepare(resources: readonly OwnResource[], operations: Operations): Promise<void> {
  const of = (type: string): string[] => resources.flatMap((one) => (one.type === type ? [one.id] : []));
  const [buckets, distributions] = [of('AWS::S3::Bucket'), of('AWS::CloudFront::Distribution')];
  const [s3, cloudfront] = [new S3Client({}), new CloudFrontClient({})];
  if (buckets.length + distributions.length > 0) say('Preparations:');
  for (const id of distributions) await operations.run(`disable distribution ${id}`, () => disable(cloudfront, id));
  for (const id of buckets) await operations.run(`stop the access log of bucket ${id}`, () => stopLogging(s3, id));
  for (const arn of of('AWS::ECS::Service')) {
    await operations.run(`delete service ${arn.split('/').slice(1).join('/')}`, () => deleteService(arn));
  }
  for (const id of distributions) {
    await operations.run(`wait until distribution ${id} is disabled`, () => untilDisabled(cloudfront, id));
  }
  for (const id of buckets) {
    await operations.run(`empty bucket ${id}`, () => unlessGone(emptyBucket(s3, id)));
  }
}

/** Stops the tasks as well. @param service `arn:aws:ecs:...:service/<cluster>/<name>` */
async function deleteService(service: string): Promise<void> {
  const cluster = service.split('/').at(-2);
  await unlessGone(new ECSClient({}).send(new DeleteServiceCommand({ cluster, service, force: true })));
}

async function deleteStacks(
  client: CloudFormationClient,
  groups: readonly (readonly OwnStack[])[],
  operations: Operations,
): Promise<void> {
  if (groups.flat().some(({ exists }) => exists)) say('Stacks:');
  for (const group of groups) {
    const existing = group.filter(({ exists }) => exists);
    await Promise.all(
      existing.map((stack) =>
        operations.run(`delete stack ${stack.name}`, () => unlessGone(deleteStack(client, stack))),
      ),
    );
  }
}

/** Stores, keys, pools, repositories and logs, which outlive their stacks. */
async function deleteWhatRemains(
  inventory: Inventory,
  stacks: readonly OwnStack[],
  operations: Operations,
): Promise<void> {
  const found = new Map<string, OwnResource>();
  for (const stack of stacks) {
    for (const one of await inventory.retained(stack)) found.set(`${one.type} ${one.id}`, one);
  }
  if (found.size > 0) say('Retained resources:');
  for (const resource of found.values()) await deleteRetained(resource, operations);
}

function report(operations: Operations): void {
  if (dryRun) {
    say(
      'Dry run: these operations would have run, and what the stacks retain would have been deleted. Nothing was changed.',
    );
    return;
  }
  operations.leave('stack CDKToolkit with its bucket', 'other CDK applications of the account may use it');
  operations.leave('service-linked roles', 'they belong to AWS services and cost nothing');
  say('Left:');
  for (const { what, why } of operations.leftovers) say(`  ${what}: ${why}`);
  if (operations.failed) process.exitCode = 1;
}

await main();
