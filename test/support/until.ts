type Falsy = undefined | null | false | 0 | '';

/** Polls until `condition` returns a truthy value, and returns that value. @throws after `deadlineMs` */
export async function until<T>(condition: () => T | Promise<T>, deadlineMs = 15_000): Promise<Exclude<T, Falsy>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value as Exclude<T, Falsy>;
    if (performance.now() > end) throw new Error(`condition not met within ${deadlineMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
