import type { Change } from './resources.ts';

/** Thrown by a driver's `applyAll` that knows which of its changes failed. Changes that it does not name were not tried. */
export class ChangesFailed extends Error {
  /** At least one. */
  readonly failed: readonly Change[];
  readonly done: readonly Change[];

  /** @param cause the error itself */
  constructor(changes: { readonly failed: readonly Change[]; readonly done: readonly Change[] }, cause: unknown) {
    super('some changes failed', { cause });
    this.name = 'ChangesFailed';
    this.failed = changes.failed;
    this.done = changes.done;
  }
}
