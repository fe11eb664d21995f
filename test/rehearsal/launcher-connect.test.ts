import { spawnSync } from 'node:child_process';
import { afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { type EmulatedAccount, startEmulatedAccount } from '../../rehearsal/emulated-account.ts';
import { requestPublic } from '../../rehearsal/public-address.ts';
import { type StackResult, Stacks } from '../../rehearsal/stacks.ts';
import { until } from '../support/until.ts';
import { describeWithContainers } from './account.ts';
import { buildTaskImage } from './task/image.ts';
import { serviceTemplate } from './task/template.ts';

jest.setTimeout(180_000);

const ALIAS = { PortName: 'http', ClientAliases: [{ Port: 80, DnsName: 'upstream' }] };
const inNamespace = (Namespace: string, Services: readonly unknown[] = []) => ({
  ServiceConnectConfiguration: { Enabled: true, Namespace, Services },
});
/** The addresses of the aliases of an account. */
const aliasesOf = ({ port }: EmulatedAccount) =>
  String(spawnSync('ip', ['-oneline', 'address', 'show', 'label', `lo:tp${port}`]).stdout)
    .split('\n')
    .filter(Boolean);

describeWithContainers('Service Connect in an emulated account', (account, engine) => {
  let stacks: Stacks;
  beforeAll(() => {
    buildTaskImage(engine());
    stacks = new Stacks(account());
  }, 120_000);

  // A test that fails leaves nothing to the next one.
  afterEach(() => stacks.deleteAll());

  const startUpstream = (within: Stacks, RELEASE: string) =>
    within.create(
      'upstream',
      serviceTemplate('upstream', { environment: { RELEASE }, service: inNamespace('tenant', [ALIAS]) }),
    );
  const fetchFrom = async (of: EmulatedAccount, client: StackResult, url: string) => {
    const address = `http://${client.outputs.DnsName}/fetch?url=${encodeURIComponent(url)}`;
    const { status, text } = await requestPublic(of, address);
    return { status, body: JSON.parse(text) as Record<string, unknown> };
  };

  test('an alias leads to a task of its service, in its namespace only, until its stack is deleted', async () => {
    expect(await startUpstream(stacks, 'r1')).toMatchObject({ status: 'CREATE_COMPLETE', failures: [] });
    const client = await stacks.create('client', serviceTemplate('client', { service: inNamespace('tenant') }));
    const stranger = await stacks.create('stranger', serviceTemplate('stranger', { service: inNamespace('other') }));
    expect([client.status, stranger.status]).toEqual(['CREATE_COMPLETE', 'CREATE_COMPLETE']);
    const served = { status: 200, body: { status: 200, text: '{"release":"r1"}' } };
    expect(await fetchFrom(account(), client, 'http://upstream/release')).toEqual(served);
    expect((await fetchFrom(account(), stranger, 'http://upstream/release')).status).toBe(500);

    const family = 'label=com.amazonaws.ecs.task-definition-family=upstream-TaskDefinition';
    engine().run('kill', ...engine().containers(family, 'status=running'));
    await until(async () => (await fetchFrom(account(), client, 'http://upstream/release')).status === 200, 30_000);

    expect(aliasesOf(account()).length).toBe(1);
    await stacks.delete('upstream');
    expect(aliasesOf(account())).toEqual([]);
  });

  test('a port name that no container has fails the stack', async () => {
    const wrong = { ...ALIAS, PortName: 'nothing' };
    const created = await stacks.create('wrong', serviceTemplate('wrong', { service: inNamespace('tenant', [wrong]) }));
    expect(created.status).toBe('ROLLBACK_COMPLETE');
    expect(created.failures[0]).toContain('no container has a port mapping named nothing');
  });

  test('a service that cannot be created leaves no address, whatever the reason', async () => {
    // Two servers cannot listen on one port of an address.
    const twice = { ...ALIAS, ClientAliases: [...ALIAS.ClientAliases, ...ALIAS.ClientAliases] };
    const broken: readonly Readonly<Record<string, unknown>>[] = [
      inNamespace('tenant', [twice]),
      { ...inNamespace('tenant', [ALIAS]), DesiredCount: 'many' },
    ];
    for (const [i, service] of broken.entries()) {
      const created = await stacks.create(`broken-${i}`, serviceTemplate(`broken-${i}`, { service }));
      expect(created.status).toBe('ROLLBACK_COMPLETE');
      expect(aliasesOf(account())).toEqual([]);
    }
  });

  test('two accounts at once have aliases of the same name', async () => {
    const other = await startEmulatedAccount({ containers: true, progress: () => {} });
    try {
      if (other.engine) buildTaskImage(other.engine);
      const others = new Stacks(other);
      await Promise.all([startUpstream(stacks, 'here'), startUpstream(others, 'there')]);
      for (const [of, within, release] of [
        [account(), stacks, 'here'],
        [other, others, 'there'],
      ] as const) {
        const client = await within.create('reader', serviceTemplate('reader', { service: inNamespace('tenant') }));
        const { body } = await fetchFrom(of, client, 'http://upstream/release');
        expect(body).toEqual({ status: 200, text: JSON.stringify({ release }) });
      }
    } finally {
      await other.close();
    }
    expect(aliasesOf(other)).toEqual([]);
  });
});
