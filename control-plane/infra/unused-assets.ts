import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly files: Readonly<Record<string, { readonly source: { readonly path: string; readonly packaging: string } }>>;
}

/**
 * Takes out of an assembly what its stack does not name: the code of SBT's functions and their layer is staged before it
 * can be replaced, and would be uploaded with each deployment.
 *
 * @param folder of the assembly, which has been written
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
