import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

/** The folder that holds package.json: a clone of the repository, or the installed package. */
export const PROGRAM_DIR = dirname(findPackageJSON('..', import.meta.url) ?? import.meta.filename);

/** Output of `npm run build`. Every process of the platform runs from here, in a clone and in a package. */
const DIST = join(PROGRAM_DIR, 'dist');

/** Entry point of the gateway process. */
export const GATEWAY_ENTRY = join(DIST, 'gateway.cjs');

/** Entry point of a cluster's agent process. */
export const AGENT_ENTRY = join(DIST, 'agent.cjs');

/** Holds one CommonJS bundle per service. */
export const SERVICES_DIR = join(DIST, 'services');

/** The version of Tierplane, such as `0.1.0`. */
export function programVersion(): string {
  const file = join(PROGRAM_DIR, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
