import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { poolSizingTier, signUpTier, type TierTable } from '../core/tier/tiers.ts';
import { TIER_NAMES, TIERS } from '../tenant-templates/tiers.ts';
import { isTest, sourceFiles } from './support/source-files.ts';

const ROOT = join(import.meta.dirname, '..');
/** Files that name a tier as an example, measure it by name, or name the stack of its pool or its cluster. */
const EXAMPLES = [
  'bench/aws-functions.ts',
  'bench/aws-stub-account.ts',
  'bench/growth.ts',
  'bench/list.ts',
  'bench/measurements.ts',
  'bench/memory.ts',
  'bench/onboarding.ts',
  'bench/platform-under-test.ts',
  'bench/start.ts',
  'bench/throughput.ts',
  'cli/tenants.ts',
  'embedded/demo-progress.ts',
  'embedded/start-page.ts',
  'rehearsal/steps.ts',
  'rehearsal/task/scene.ts',
  'scripts/cleanup/inventory.ts',
  'scripts/init-install.sh',
];

/** Without `tenant-templates`, which holds the table. */
function sources(): string[] {
  return sourceFiles(/\.(ts|js|sh|py)$/).filter((file) => !isTest(file) && !file.startsWith('tenant-templates/'));
}

describe('DX-3: the tier table', () => {
  test('is the only source file that contains the name of a tier, apart from examples', () => {
    const name = new RegExp(`\\b(${TIER_NAMES.join('|')})\\b`);
    const naming = sources().filter((file) => name.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(naming.sort()).toEqual(EXAMPLES);
  });

  test('marks one tier that sizes the pooled tasks, which is pooled itself, and one for sign-up', () => {
    expect(TIERS[poolSizingTier(TIERS)].isolation).toBe('pool');
    expect(TIER_NAMES).toContain(signUpTier(TIERS));
  });

  test('is refused if no tier, or more than one, has a mark that belongs to exactly one', () => {
    const { basic, ...others }: TierTable = TIERS;
    const { sizesPool: _, ...unmarked } = basic;
    expect(() => poolSizingTier({ ...others, basic: unmarked })).toThrow(
      expect.objectContaining({ code: 'CONFIG', message: 'exactly one tier must set sizesPool, got none' }),
    );
    const two = { ...TIERS, premium: { ...TIERS.premium, signUp: true } };
    expect(() => signUpTier(two)).toThrow('exactly one tier must set signUp, got basic, premium');
  });
});
