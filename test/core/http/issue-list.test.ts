import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { FieldIssue } from '../../../core/errors.ts';
import { listedIssues, pathOf } from '../../../core/http/issue-list.ts';

function issues(count: number): FieldIssue[] {
  return Array.from({ length: count }, (_, i) => ({ loc: ['body', 'list', i], type: 'missing', msg: 'is required' }));
}

test('SE-6: up to 20 errors are listed as they are', () => {
  expect(listedIssues([])).toEqual([]);
  expect(listedIssues(issues(20))).toEqual(issues(20));
});

test('SE-6: of more errors the first 20 are listed, and one entry counts the others', () => {
  expect(listedIssues(issues(21)).slice(19)).toEqual([
    { loc: ['body', 'list', 19], type: 'missing', msg: 'is required' },
    { loc: ['body'], type: 'more_errors', msg: '1 more error not listed' },
  ]);
  expect(listedIssues(issues(90_000)).at(-1)?.msg).toBe('89980 more errors not listed');
});

test('SE-6: a key of a megabyte is shortened in the list and in the path', () => {
  const issue: FieldIssue = { loc: ['body', 'k'.repeat(2 ** 20)], type: 'extra_forbidden', msg: 'm'.repeat(2 ** 20) };
  expect(listedIssues([issue])).toEqual([
    { loc: ['body', `${'k'.repeat(100)}…`], type: 'extra_forbidden', msg: `${'m'.repeat(500)}…` },
  ]);
  expect(pathOf(issue)).toBe(`${'k'.repeat(100)}…`);
});

test('SE-6: whatever the errors are, their list has at most 21 entries, each with short keys and a short message', () => {
  const key = fc.oneof(fc.string({ maxLength: 300 }), fc.nat());
  const issue = fc.record({
    loc: fc.array(key, { maxLength: 33 }),
    type: fc.string(),
    msg: fc.string({ maxLength: 900 }),
  });
  fc.assert(
    fc.property(fc.array(issue, { maxLength: 60 }), (all) => {
      const listed = listedIssues(all);
      expect(listed.length).toBe(Math.min(all.length, 20) + (all.length > 20 ? 1 : 0));
      for (const { loc, msg } of listed) {
        expect(msg.length).toBeLessThanOrEqual(501);
        for (const one of loc) expect(String(one).length).toBeLessThanOrEqual(101);
      }
    }),
    { numRuns: 50 },
  );
});
