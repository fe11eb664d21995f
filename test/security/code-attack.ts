import { expect, test } from '@jest/globals';
import type { Mutation } from '../support/mutant.ts';

/** Makes the attack on the code with these changes. @returns whether it succeeds */
export type Attack = (mutations: readonly Mutation[]) => Promise<boolean>;

/**
 * Shows that an attack fails, and that it succeeds in a copy of the code without its control. So the first test can fail.
 * @param control what is removed
 */
export function attackOn(attack: Attack, control: string, ...mutations: readonly Mutation[]): void {
  test('fails', async () => {
    expect(await attack([])).toBe(false);
  });
  test(`succeeds in a copy of the code without ${control}`, async () => {
    expect(await attack(mutations)).toBe(true);
  });
}
