import type { Clock, RandomBytes } from '../core/ports/clock.ts';
import type { Log } from '../core/ports/log.ts';
import type { PlatformConfig } from './config.ts';
import type { DataDir } from './data-dir.ts';

export interface PlatformOptions {
  readonly config: PlatformConfig;
  readonly dir: DataDir;
  readonly log: Log;
  /** The command line for this data directory, as a shell on this machine calls it. Pages show it to local users. */
  readonly command: string;
  /**
   * Notifies the operator of something that the platform has dealt with by itself, such as a process that it replaced.
   * @default - the log alone has it
   */
  readonly notify?: (line: string) => void;
}

/** What every part of the platform starts with. */
export interface StartContext extends PlatformOptions {
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Each part registers here how it ends. Parts end in reverse order, also if a later part does not start. */
  readonly cleanUp: AsyncDisposableStack;
}
