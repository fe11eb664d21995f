/** One recorded step of onboarding or offboarding, with its times (ISO 8601, UTC). */
export interface Step {
  readonly name: string;
  readonly status: 'running' | 'done' | 'failed';
  readonly startedAt: string;
  readonly endedAt?: string;
  /** In plain words: why it failed or, while it is running, which work elsewhere it waits for. */
  readonly reason?: string;
}
