import { isAlive } from '../adapters/embedded/runtime/supervisor/process-info.ts';
import { isDomainError } from '../core/errors.ts';
import { type DataDir, readJson } from './data-dir.ts';

export interface Urls {
  /** The gateway's address for browsers and clients, without a slash at the end. */
  readonly publicUrl: string;
  readonly controlPlane: string;
  /** The tenants' API. */
  readonly api: string;
  readonly openapi: string;
}

/** Describes a running platform. It is stored in the data directory, for the other commands. */
export interface Running {
  readonly pid: number;
  /** When the process started; see `startOf`. Distinguishes it from a later process with the same pid. */
  readonly start: string | undefined;
  readonly startedAt: string;
  readonly urls: Urls;
}

/** The platform that runs in this data directory; undefined if none runs, or if its description is damaged. */
export function findRunning(dir: DataDir): Running | undefined {
  try {
    const running = readJson<Running>(dir.running);
    return running && isAlive(running) ? running : undefined;
  } catch (error) {
    if (isDomainError(error, 'CORRUPT')) return undefined;
    throw error;
  }
}
