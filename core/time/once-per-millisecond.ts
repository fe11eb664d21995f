/**
 * `format`, which runs again only when the time differs from that of the last call: many log lines share a millisecond.
 * The result takes epoch milliseconds.
 */
export function oncePerMillisecond(format: (epochMs: number) => string): (epochMs: number) => string {
  let lastMs = Number.NaN;
  let text = '';
  return (epochMs) => {
    if (epochMs !== lastMs) {
      lastMs = epochMs;
      text = format(epochMs);
    }
    return text;
  };
}
