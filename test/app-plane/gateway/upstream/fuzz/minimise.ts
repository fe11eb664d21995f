import type { Exchange, FuzzCase } from './fuzz-case.ts';

/** Long cases would otherwise take minutes. */
const MAX_ATTEMPTS = 3_000;

/**
 * Makes a failing case as small as it can: removes exchanges, splits and bytes while it still fails.
 * @param fails whether a case still shows the difference
 */
export async function minimise(
  fuzzCase: FuzzCase,
  fails: (candidate: FuzzCase) => Promise<boolean>,
): Promise<FuzzCase> {
  let best = fuzzCase;
  let attempts = 0;
  const attempt = async (candidate: FuzzCase): Promise<boolean> => {
    attempts += 1;
    if (attempts > MAX_ATTEMPTS || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let before: FuzzCase | undefined; best !== before; ) {
    before = best;
    await dropExchanges(() => best, attempt);
    for (const i of best.exchanges.keys()) await shrinkExchange(() => best, i, attempt);
  }
  return best;
}

type Attempt = (candidate: FuzzCase) => Promise<boolean>;

async function dropExchanges(best: () => FuzzCase, attempt: Attempt): Promise<void> {
  for (let i = best().exchanges.length - 1; i >= 0 && best().exchanges.length > 1; i--)
    await attempt({ exchanges: best().exchanges.toSpliced(i, 1) });
}

/** Removes all splits, or each; then bytes, in ever smaller pieces. */
async function shrinkExchange(best: () => FuzzCase, i: number, attempt: Attempt): Promise<void> {
  const current = (): Exchange => best().exchanges[i] as Exchange;
  const attemptChange = (change: Partial<Exchange>): Promise<boolean> =>
    attempt({ exchanges: best().exchanges.with(i, { ...current(), ...change }) });
  if (current().splits.length > 0 && !(await attemptChange({ splits: [] }))) {
    for (let at = current().splits.length - 1; at >= 0; at--)
      await attemptChange({ splits: current().splits.toSpliced(at, 1) });
  }
  for (let length = Math.max(1, current().bytes.length >> 1); length >= 1; length >>= 1) {
    for (let at = 0; at + length <= current().bytes.length; ) {
      const { bytes } = current();
      if (!(await attemptChange({ bytes: bytes.slice(0, at) + bytes.slice(at + length) }))) at += length;
    }
  }
}
