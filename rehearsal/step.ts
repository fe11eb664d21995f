import { messageOf } from '../core/errors.ts';

/** How one step of a rehearsal ended. */
export interface StepResult {
  readonly name: string;
  /** Duration; for a measurement the median of one call. */
  readonly ms: number;
  readonly ok: boolean;
  /** Why it failed. */
  readonly reason?: string;
  /** What it found, in one line. */
  readonly detail?: string;
}

/** Runs a step and measures it. An error becomes the step's reason. @param run a text that it returns is the step's detail */
export async function timed(name: string, run: () => Promise<unknown>): Promise<StepResult> {
  const started = performance.now();
  try {
    const detail = await run();
    return { name, ms: performance.now() - started, ok: true, ...(typeof detail === 'string' && { detail }) };
  } catch (error) {
    return { name, ms: performance.now() - started, ok: false, reason: messageOf(error) };
  }
}
