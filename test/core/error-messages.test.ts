import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { errorMessages } from '../../core/error-messages.ts';

function messageOf(schema: z.ZodType, value: unknown): string | undefined {
  return schema.safeParse(value, { error: errorMessages }).error?.issues[0]?.message;
}

test.each<[message: string, schema: z.ZodType, value: unknown]>([
  ['is required', z.string(), undefined],
  ['is required', z.enum(['basic', 'premium']), undefined],
  ['must be one of basic, premium', z.enum(['basic', 'premium']), 'gold'],
  ['must be a string, got a number', z.string(), 7],
  ['must be a string, got null', z.string(), null],
  ['must be a string, got a list', z.string(), ['a']],
  ['must be a string, got an object', z.string(), {}],
  ['must be a string, got a boolean', z.string(), true],
  ['must be a number, got a string', z.number(), 'seven'],
  ['must be a whole number, got a number', z.int(), 1.5],
  ['must be true or false, got a string', z.boolean(), 'yes'],
  ['must be a list, got a string', z.array(z.string()), 'a'],
  ['must be an object, got a string', z.object({}), 'a'],
  ['must be an object, got a string', z.record(z.string(), z.string()), 'a'],
  ['must have at most 3 characters', z.string().max(3), 'abcd'],
  ['must have at most 1 character', z.string().max(1), 'ab'],
  ['must have at least 3 characters', z.string().min(3), 'a'],
  ['must not be empty', z.string().min(1), ''],
  ['must have at most 2 items', z.array(z.string()).max(2), ['a', 'b', 'c']],
  ['must not be empty', z.array(z.string()).min(1), []],
  ['must be at most 5', z.number().max(5), 6],
  ['must be at least 0', z.int().min(0), -1],
  ['must be greater than 0', z.number().positive(), 0],
  ['must be less than 5', z.number().lt(5), 5],
])('a field’s message says: %s', (message, schema, value) => {
  expect(messageOf(schema, value)).toBe(message);
});

test('a message does not contain the value, which may be a secret', () => {
  expect(messageOf(z.number(), 'hunter2')).not.toContain('hunter2');
  expect(messageOf(z.enum(['a']), 'hunter2')).not.toContain('hunter2');
});

test('the message of a schema takes precedence', () => {
  expect(messageOf(z.string('name the tenant'), 7)).toBe('name the tenant');
});

test('other errors keep the message of the library', () => {
  expect(messageOf(z.number().multipleOf(2), 3)).toMatch(/multiple of 2/);
});
