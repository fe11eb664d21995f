import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly files: Readonly<Record<string, { readonly source: { readonly path: string; readonly packaging: string } }>>;
}

/**
 * Removes assets that the stack's template does not use. CDK stages the code of SBT's functions and of their layer before
 * they can be replaced, and would upload it with every deployment.
 *
 * @param folder the synthesized cloud assembly
 */
export function removeUnusedAssets(folder: string, stackName: string): void {
  const template = readFileSync(join(folder, `${stackName}.template.json`), 'utf8');
  const file = join(folder, `${stackName}.assets.json`);
  const manifest: Manifest = JSON.parse(readFileSync(file, 'utf8'));
  const isUnused = ([hash, { source }]: [string, Manifest['files'][string]]) =>
    source.packaging === 'zip' && !template.includes(hash);
  const files = Object.entries(manifest.files);
  for (const [, { source }] of files.filter(isUnused)) rmSync(join(folder, source.path), { recursive: true });
  const used = Object.fromEntries(files.filter((one) => !isUnused(one)));
  writeFileSync(file, JSON.stringify({ ...manifest, files: used }, undefined, 1));
}
