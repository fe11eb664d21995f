import { DomainError } from '../../../../core/errors.ts';
import type { Clock } from '../../../../core/ports/clock.ts';
import type { ServiceReport } from './protocol.ts';

/** Failures of tasks, while one waits, after which the service counts as failed. A few quick ones may have one cause that ends. */
const FAILURES_WHEN_FAILED = { data: 2, start: 5 };

/** A service as the fleet knows it. */
export interface Reported {
  readonly revision: number;
  readonly report?: ServiceReport;
}

interface Waiter {
  readonly name: string;
  readonly holds: (report: ServiceReport) => boolean;
  /** Restarts of the service when the wait began. */
  readonly restarts: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Those who wait for services to become ready. */
export class ServiceWaiters {
  readonly #clock: Clock;
  readonly #find: (name: string) => Reported | undefined;
  readonly #waiters = new Set<Waiter>();

  constructor(clock: Clock, find: (name: string) => Reported | undefined) {
    this.#clock = clock;
    this.#find = find;
  }

  /**
   * Resolves when the agent's report on the current plan fulfils `holds`.
   * Throws UNAVAILABLE with the reason of the last failure: after `timeoutMs`, or once the service has failed repeatedly.
   */
  async until(name: string, timeoutMs: number, holds: (report: ServiceReport) => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const finish = <A extends unknown[]>(complete: (...args: A) => void, ...args: A): void => {
        timer.cancel();
        this.#waiters.delete(waiter);
        complete(...args);
      };
      const waiter: Waiter = {
        name,
        holds,
        restarts: this.#find(name)?.report?.restarts ?? 0,
        resolve: () => finish(resolve),
        reject: (error) => finish(reject, error),
      };
      const timer = this.#clock.after(timeoutMs, () => {
        const reason = this.#find(name)?.report?.lastFailure ?? 'no task responded';
        waiter.reject(unavailable(`service ${name} is not ready after ${timeoutMs / 1000} s: ${reason}`));
      });
      this.#waiters.add(waiter);
      this.wake(name);
    });
  }

  /** Call it after each report of the service. */
  wake(name: string): void {
    const { report, revision } = this.#find(name) ?? {};
    if (!report || report.revision !== revision) return;
    for (const waiter of this.#waiters) {
      if (waiter.name !== name) continue;
      if (waiter.holds(report)) waiter.resolve();
      else if (hasFailed(report, waiter))
        waiter.reject(unavailable(`service ${name} does not start: ${report.lastFailure}`));
    }
  }

  /** Fails the waits for one service, or all of them. */
  fail(message: string, name?: string): void {
    for (const waiter of this.#waiters) {
      if (name === undefined || waiter.name === name) waiter.reject(unavailable(message));
    }
  }
}

/** Old tasks that still serve are left out: the new ones may start yet. */
function hasFailed({ failure, restarts }: ServiceReport, waiter: Waiter): boolean {
  return failure !== undefined && restarts - waiter.restarts >= FAILURES_WHEN_FAILED[failure];
}

function unavailable(message: string): DomainError {
  return new DomainError('UNAVAILABLE', message);
}
