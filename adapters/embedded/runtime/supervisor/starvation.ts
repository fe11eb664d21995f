import { readFileSync } from 'node:fs';

/** What the scheduler has given the main thread of a process so far. */
export interface CpuTimes {
  /** Time on a processor, in ms. */
  readonly ranMs: number;
  /** Time in which it could have run and waited for a processor, in ms. */
  readonly waitedMs: number;
}

/** Undefined where the kernel keeps no such figures, or if the process has ended. */
export function cpuTimesOf(pid: number): CpuTimes | undefined {
  try {
    const [ranNs, waitedNs] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ').map(Number);
    return ranNs === undefined || waitedNs === undefined ? undefined : { ranMs: ranNs / 1e6, waitedMs: waitedNs / 1e6 };
  } catch {
    return undefined;
  }
}

/**
 * Whether a process is silent for lack of CPU: it waited for a processor for most of the time, and got less than `enoughMs`.
 * To kill it would make an overloaded machine slower, because its successor has to start. A stopped or deadlocked process
 * does not wait for a processor, and one in an endless loop gets enough sooner or later.
 */
export function isStarved(before: CpuTimes, now: CpuTimes, elapsedMs: number, enoughMs: number): boolean {
  return now.ranMs - before.ranMs < enoughMs && now.waitedMs - before.waitedMs > elapsedMs / 2;
}

/** Compares the CPU of a process since the last mark. */
export class CpuWatch {
  readonly #pid: number;
  #times: CpuTimes | undefined;
  #at = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.mark();
  }

  mark(): void {
    this.#times = cpuTimesOf(this.#pid);
    this.#at = performance.now();
  }

  /** As `isStarved`, since the mark. False where the kernel keeps no figures. */
  isStarved(enoughMs: number): boolean {
    const now = cpuTimesOf(this.#pid);
    if (!now || !this.#times) return false;
    return isStarved(this.#times, now, performance.now() - this.#at, enoughMs);
  }
}
