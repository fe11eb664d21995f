import { messageOf } from '../../core/errors.ts';

/** Something that the clean-up leaves, and why. */
export interface Leftover {
  readonly what: string;
  readonly why: string;
}

/** What a clean-up does, one operation after the other, and what it leaves. */
export interface Operations {
  /** Describes the operation and runs it; in a dry run it is only described. A failure is a leftover, and the clean-up goes on. */
  run(what: string, work: () => Promise<unknown>): Promise<void>;
  leave(what: string, why: string): void;
  readonly leftovers: readonly Leftover[];
  /** Whether an operation has failed. */
  readonly failed: boolean;
}

/** @param say receives a line for each operation */
export function startOperations(say: (line: string) => void, options: { readonly dryRun: boolean }): Operations {
  const leftovers: Leftover[] = [];
  let failed = false;
  return {
    leftovers,
    get failed() {
      return failed;
    },
    leave: (what, why) => void leftovers.push({ what, why }),
    async run(what, work) {
      if (options.dryRun) return say(`  ${what}`);
      try {
        await work();
        say(`  \u2713 ${what}`);
      } catch (error) {
        failed = true;
        say(`  \u2717 ${what}: ${messageOf(error)}`);
        leftovers.push({ what, why: messageOf(error) });
      }
    },
  };
}

/** Ignores the error of something that no longer exists. */
export async function unlessGone(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    const text = error instanceof Error ? `${error.name} ${error.message}` : String(error);
    if (!/NotFound|NoSuch|does not exist|not exist/i.test(text)) throw error;
  });
}
