import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Licences that allow us to ship a package inside a bundle with nothing but its notice. */
const ALLOWED = new Set(['MIT', 'MIT-0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'Apache-2.0', 'BlueOak-1.0.0']);
const LICENCE_FILE = /^(licen[cs]e|copying|notice)/i;

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/**
 * The text of THIRD-PARTY-NOTICES: name, version and licence text of every package of which the bundles hold a file.
 * Throws if a package's licence is not one of `ALLOWED`.
 * @param inputs paths from `root` of all files in the bundles
 */
export function thirdPartyNotices(root: string, inputs: readonly string[]): string {
  const folders = new Set(inputs.flatMap((path) => packageFolder(path) ?? []));
  const notices = [...folders].map((folder) => noticeOf(join(root, folder))).sort();
  return `Tierplane's bundles contain the following packages.\n\n${notices.join('\n')}`;
}

/** `node_modules/@scope/name`, or the same below another package's folder; undefined for our own files. */
function packageFolder(path: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

function noticeOf(folder: string): string {
  const {
    name,
    version,
    license = 'none',
  } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageJson;
  if (!ALLOWED.has(license)) {
    throw new Error(`${name} ${version} must have one of the licences ${[...ALLOWED].join(', ')}, got ${license}`);
  }
  const texts = readdirSync(folder)
    .filter((file) => LICENCE_FILE.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [`${'-'.repeat(80)}`, `${name} ${version} (${license})`, '', ...texts, ''].join('\n');
}
