import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { createRenderer } from '../../../services/kit/render.ts';

describe('a response', () => {
  const Shape = z.object({
    id: z.string(),
    count: z.int(),
    state: z.enum(['on', 'off']),
    tags: z.array(z.object({ name: z.string() })),
    note: z.string().optional(),
    share: z.number().optional(),
    open: z.boolean().optional(),
    details: z.unknown().optional(),
  });
  const render = createRenderer(Shape);
  const GOOD = { id: 'a', count: 1, state: 'on', tags: [{ name: 'x' }] };

  test('has the keys that its schema names, and no others', () => {
    const stored = { ...GOOD, secret: 1, tags: [{ name: 'x', secret: 2 }] };
    expect(JSON.parse(render(stored))).toEqual(GOOD);
    expect(JSON.parse(render({ ...GOOD, note: 'kept' }))).toEqual({ ...GOOD, note: 'kept' });
    expect(JSON.parse(render({ ...GOOD, tags: [{ name: 'x' }, { name: 'y', secret: 2 }] }))).toEqual({
      ...GOOD,
      tags: [{ name: 'x' }, { name: 'y' }],
    });
    expect(stored).toMatchObject({ secret: 1, tags: [{ secret: 2 }] });
  });

  test.each([
    ['id', { ...GOOD, id: undefined }, 'a string'],
    ['count', { ...GOOD, count: '1' }, 'an integer'],
    ['count', { ...GOOD, count: 1.5 }, 'an integer'],
    ['share', { ...GOOD, share: Number.NaN }, 'a number'],
    ['open', { ...GOOD, open: 'secret value' }, 'a boolean'],
    ['state', { ...GOOD, state: 'secret value' }, 'one of on, off'],
    ['tags', { ...GOOD, tags: {} }, 'an array'],
    ['name', { ...GOOD, tags: [{}] }, 'a string'],
    ['note', { ...GOOD, note: null }, 'a string'],
    ['body', null, 'an object'],
    ['body', 'secret value', 'an object'],
  ])('is not sent if its %s does not fit, and the error names the field without its value', (field, value, rule) => {
    expect(() => render(value)).toThrow(
      expect.objectContaining({ code: 'INTERNAL', message: `a response's ${field} must be ${rule}` }),
    );
    expect(() => render(value)).not.toThrow(/secret value/);
  });

  test('keeps fractions, and what its schema leaves open', () => {
    const value = { ...GOOD, share: 0.5, open: false, details: { any: [1, null] } };
    expect(JSON.parse(render(value))).toEqual(value);
  });

  test('with a schema that cannot be rendered is refused at start-up', () => {
    expect(() => createRenderer(z.object({ at: z.date() }))).toThrow(
      expect.objectContaining({ code: 'INTERNAL', message: expect.stringMatching(/supported kind, got date$/) }),
    );
  });
});
