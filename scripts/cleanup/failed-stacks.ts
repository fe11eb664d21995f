import { parseArgs } from 'node:util';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { deleteStack } from './delete-stack.ts';
import { Inventory } from './inventory.ts';
import { startOperations } from './operation.ts';
import { deleteRetained } from './retained.ts';

/**
 * `node scripts/cleanup/failed-stacks.ts --environment NAME`: deletes the platform's stacks whose creation failed, and what they
 * retained, so that the installation can be run again. Such resources hold no data, and their names would be taken. Stacks of
 * tenants belong to the application plane. Exits with 1 if something could not be deleted.
 */
const { environment } = parseArgs({ options: { environment: { type: 'string', default: 'main' } } }).values;
const client = new CloudFormationClient({});
const inventory = new Inventory(client, environment);
const operations = startOperations((line) => process.stdout.write(`${line}\n`), { dryRun: false });
const failed = (await inventory.stacks())
  .flat()
  .filter((stack) => stack.isRolledBack && !stack.name.includes('-silo-'));
for (const stack of failed) {
  await operations.run(`delete stack ${stack.name}, whose creation failed`, () => deleteStack(client, stack));
  for (const resource of await inventory.retained(stack)) await deleteRetained(resource, operations);
}
if (operations.failed) process.exitCode = 1;
