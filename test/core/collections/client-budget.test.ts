import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { ClientBudget, type Place } from '../../../core/collections/client-budget.ts';

const MANY = { places: 1_000, bytes: 1_000 };

/** Enters places, and records which were ended. */
function recorder(budget: ClientBudget) {
  const ended: string[] = [];
  return {
    ended,
    enter: (client: string, name: string): Place => budget.enter(client, () => ended.push(name)),
  };
}

describe('a budget of places per client', () => {
  test('ends the oldest place of the client that exceeds it, and no other', () => {
    const { ended, enter } = recorder(new ClientBudget({ places: 2, bytes: 10 }, MANY));
    for (const name of ['a1', 'a2', 'a3']) enter('a', name);
    enter('b', 'b1');
    expect(ended).toEqual(['a1']);
  });

  test('ends the oldest place whose client holds too many bytes', () => {
    const { ended, enter } = recorder(new ClientBudget({ places: 5, bytes: 10 }, MANY));
    enter('a', 'a1').grow(6);
    const second = enter('a', 'a2');
    second.grow(4);
    expect(ended).toEqual([]);
    second.grow(1);
    expect(ended).toEqual(['a1']);
    second.grow(10);
    expect(ended).toEqual(['a1', 'a2']);
  });

  test('of all clients ends the oldest place of the one that holds most', () => {
    const budget = new ClientBudget(MANY, { places: 3, bytes: 10 });
    const { ended, enter } = recorder(budget);
    enter('a', 'a1');
    enter('b', 'b1');
    enter('b', 'b2');
    const small = enter('c', 'c1');
    expect(ended).toEqual(['b1']);
    enter('d', 'd1').grow(8);
    expect(budget.held).toEqual({ places: 3, bytes: 8 });
    small.grow(3);
    expect(ended.at(-1)).toBe('d1');
  });

  test('forgets a client that holds nothing, and ignores a place that has been left or ended', () => {
    const budget = new ClientBudget({ places: 1, bytes: 10 }, MANY);
    const { ended, enter } = recorder(budget);
    const first = enter('a', 'a1');
    const second = enter('a', 'a2');
    first.grow(100);
    first.leave();
    second.leave();
    second.leave();
    expect([ended, budget.clients, budget.held]).toEqual([['a1'], 0, { places: 0, bytes: 0 }]);
  });
});

test('whatever clients do, the bounds hold and each place ends at most once', () => {
  const perClient = { places: 3, bytes: 50 };
  const total = { places: 6, bytes: 90 };
  const step = fc.record({ client: fc.constantFrom('a', 'b', 'c', 'd'), grow: fc.nat(40), leave: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const budget = new ClientBudget(perClient, total);
      const { ended, enter } = recorder(budget);
      const places: Place[] = [];
      for (const [number, { client, grow, leave }] of steps.entries()) {
        places.push(enter(client, String(number)));
        places[number >> 1]?.grow(grow);
        if (leave) places[number >> 2]?.leave();
        expect(budget.held.places).toBeLessThanOrEqual(total.places);
        expect(budget.held.bytes).toBeLessThanOrEqual(total.bytes);
        expect(budget.clients).toBeLessThanOrEqual(budget.held.places);
      }
      expect(new Set(ended).size).toBe(ended.length);
      for (const place of places) place.leave();
      expect([budget.held, budget.clients]).toEqual([{ places: 0, bytes: 0 }, 0]);
    }),
  );
});
