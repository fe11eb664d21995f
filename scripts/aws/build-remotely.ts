import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BatchGetBuildsCommand, CodeBuildClient, StartBuildCommand } from '@aws-sdk/client-codebuild';

/**
 * `node scripts/aws/build-remotely.ts --environment NAME --release RELEASE IMAGE...`: builds and pushes images with the project
 * `tierplane-<environment>-images` of AWS CodeBuild, and waits for the end. Exits with 1 if the build fails.
 */
const POLL_MS = 10_000;
const { values, positionals } = parseArgs({
  options: { environment: { type: 'string', default: 'main' }, release: { type: 'string', default: '' } },
  allowPositionals: true,
});
const codebuild = new CodeBuildClient({});
const { build: started } = await codebuild.send(
  new StartBuildCommand({
    projectName: `tierplane-${values.environment}-images`,
    environmentVariablesOverride: [
      { name: 'RELEASE', value: values.release },
      { name: 'IMAGES', value: positionals.join(' ') },
    ],
  }),
);
const id = started?.id ?? '';
process.stdout.write(`  build ${id} runs\n`);
for (;;) {
  const { builds: [build] = [] } = await codebuild.send(new BatchGetBuildsCommand({ ids: [id] }));
  if (build?.buildStatus === 'SUCCEEDED') break;
  if (build && build.buildStatus !== 'IN_PROGRESS') {
    const reason = build.phases?.flatMap(({ contexts = [] }) => contexts.map(({ message }) => message)).find(Boolean);
    process.stderr.write(
      `the build is ${build.buildStatus}: ${reason ?? 'no reason given'}; log: ${build.logs?.deepLink}\n`,
    );
    process.exit(1);
  }
  await wait(POLL_MS);
}
