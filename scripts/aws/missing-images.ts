import { parseArgs } from 'node:util';
import { BatchGetImageCommand, ECRClient } from '@aws-sdk/client-ecr';

/** `node scripts/aws/missing-images.ts --prefix PREFIX --release RELEASE NAME...`: prints the images that the registry lacks. */
const { values, positionals } = parseArgs({
  options: { prefix: { type: 'string', default: '' }, release: { type: 'string', default: '' } },
  allowPositionals: true,
});
const ecr = new ECRClient({});
const missing: string[] = [];
for (const name of positionals) {
  const imageIds = [{ imageTag: values.release }];
  const { images = [] } = await ecr.send(
    new BatchGetImageCommand({ repositoryName: `${values.prefix}/${name}`, imageIds }),
  );
  if (images.length === 0) missing.push(name);
}
process.stdout.write(missing.join(' '));
