import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Jest runs this once, before any test: the tests start the platform, the gateway and the services from dist/. */
export default function buildFirst(): void {
  const script = join(import.meta.dirname, '..', '..', 'scripts', 'build.ts');
  const { status } = spawnSync(process.execPath, [script, '--if-stale'], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the build failed');
}
