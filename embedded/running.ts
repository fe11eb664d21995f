import { isAlive } from '../adapters/embedded/runtime/supervisor/process-info.ts';
import { isDomainError } from '../core/errors.ts';
import { type DataDir, readJson } from './data-dir.ts';

export interface Urls {
  /** The front door: start page, sign-in, everything. */
  readonly publicUrl: string;
  readonly controlPlane: string;
  /** The tenants' API. */
  readonly api: string;
  readonly openapi: string;
}

/** What a running platform leaves in its data directory for the other commands. */
export interface Running {
  readonly pid: number;
  /** When the process started; see `startOf`. Tells it from a later process with the same pid. */
  readonly start: string | undefined;
  readonly startedAt: string;
  readonly urls: Urls;
}

/** The platform that runs in this data directory, or undefined; also where what it left to be found is damaged. */
export function findRunning(dir: DataDir): Running | undefined {
  try {
    const running = readJson<Running>(dir.running);
    return running && isAlive(running) ? running : undefined;
  } catch (error) {
    if (isDomainError(error, 'CORRUPT')) return undefined;
    throw error;
  }
}
