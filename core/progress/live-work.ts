import type { Step } from './step.ts';

/** What an operation that goes on elsewhere, such as that of a CloudFormation stack, does at the moment. */
export interface LiveWork {
  /** What is complete and what is in progress, in plain words. */
  readonly reason: string;
  /** How far single services are; `name` is the service's. A service that the operation has not begun is absent. */
  readonly parts: readonly Step[];
}
