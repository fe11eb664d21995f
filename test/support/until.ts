import { until as poll } from '../../scripts/until.ts';

/** Polls until `condition` returns a truthy value, and returns that value. @throws after `deadlineMs` */
export function until<T>(condition: () => T | Promise<T>, deadlineMs = 15_000) {
  const failure = () => `condition not met within ${deadlineMs} ms: ${condition}`;
  return poll(condition, { withinMs: deadlineMs, everyMs: 5, slowestMs: 100, failure });
}
