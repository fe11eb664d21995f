import { timingSafeEqual } from 'node:crypto';

/** Whether two texts are equal. The time reveals whether their lengths differ, and nothing else about them. */
export function isSameText(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
