import { describe, expect, test } from '@jest/globals';
import { EXIT } from '../../cli/exit-codes.ts';
import { tenantOfArgument } from '../../cli/tenant-argument.ts';
import { slugOf } from '../../core/fields/slug.ts';

interface Tenant {
  readonly id: string;
  readonly name: string;
}

const VICTIM: Tenant = { id: '01kazy9t3q8h2v5w7x0r4m6n8p', name: 'Acme' };
/** Its name was possible before names in the form of ids were refused. */
const IMPOSTOR: Tenant = { id: '01kazy9t3q8h2v5w7x0r4m6n8q', name: VICTIM.id };
const OWN_NAMESAKE: Tenant = { id: 'abcdefgh', name: 'ABCDEFGH' };

function find(argument: string, ...tenants: Tenant[]): Promise<Tenant | undefined> {
  return tenantOfArgument<Tenant>(argument, {
    byId: async (id) => tenants.find((one) => one.id === id),
    byName: async (name) => tenants.find((one) => slugOf(one.name) === slugOf(name)),
    labelOf: ({ id, name }) => `'${name}' (${id})`,
  });
}

describe('DX-2: the tenant that a command means', () => {
  test.each(['Acme', 'acme', ' ACME! ', VICTIM.id])(
    'is found by name in any spelling, and by id: %j',
    async (argument) => {
      expect(await find(argument, VICTIM)).toBe(VICTIM);
    },
  );

  test('is found by an id that looks like a word, and by a word that looks like an id', async () => {
    expect(await find('microsoft', { id: 'microsoft', name: 'Acme' })).toMatchObject({ name: 'Acme' });
    expect(await find('microsoft', { ...VICTIM, name: 'Microsoft' })).toMatchObject({ id: VICTIM.id });
  });

  test.each(['nobody', 'globex00', '', '---', '../x', VICTIM.id])(
    'is undefined if there is none: %j',
    async (argument) => {
      expect(await find(argument)).toBeUndefined();
    },
  );

  test("SE-1: is refused with both tenants if one's name is the other's id", async () => {
    await expect(find(VICTIM.id, VICTIM, IMPOSTOR)).rejects.toMatchObject({
      exitCode: EXIT.refused,
      message: `'${VICTIM.id}' is the id of 'Acme' (${VICTIM.id}) and the name of '${VICTIM.id}' (${IMPOSTOR.id})`,
      hint: 'give the name of the first tenant, or the id of the second',
    });
    expect(await find('Acme', VICTIM, IMPOSTOR)).toBe(VICTIM);
    expect(await find(IMPOSTOR.id, VICTIM, IMPOSTOR)).toBe(IMPOSTOR);
  });

  test('may have its own id as its name', async () => {
    expect(await find('abcdefgh', OWN_NAMESAKE)).toBe(OWN_NAMESAKE);
  });
});
