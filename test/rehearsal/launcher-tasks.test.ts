import { readFileSync } from 'node:fs';
import { beforeAll, expect, jest, test } from '@jest/globals';
import { requestPublic } from '../../rehearsal/public-address.ts';
import { type StackResult, Stacks } from '../../rehearsal/stacks.ts';
import { until } from '../support/until.ts';
import { describeWithContainers } from './account.ts';
import { buildTaskImage, IMAGE } from './task/image.ts';
import { type ServiceOptions, serviceTemplate } from './task/template.ts';

jest.setTimeout(120_000);

/** Every setting of a container definition that the launcher applies. */
const SETTINGS: ServiceOptions = {
  container: {
    User: '1000:1000',
    ReadonlyRootFilesystem: true,
    Memory: 256,
    LinuxParameters: { Capabilities: { Drop: ['ALL'] }, InitProcessEnabled: false },
    EntryPoint: ['/usr/local/bin/node', '/server.cjs', 'given'],
    MountPoints: [{ SourceVolume: 'scratch', ContainerPath: '/scratch' }],
  },
  volumes: ['scratch'],
};

describeWithContainers('ECS tasks in an emulated account', (account, engine) => {
  let stacks: Stacks;
  beforeAll(() => {
    buildTaskImage(engine());
    stacks = new Stacks(account());
  }, 120_000);

  async function start(name: string, options: ServiceOptions = {}): Promise<StackResult['outputs']> {
    const created = await stacks.create(name, serviceTemplate(name, options));
    expect(created).toMatchObject({ status: 'CREATE_COMPLETE', failures: [] });
    return created.outputs;
  }
  const get = async ({ DnsName }: StackResult['outputs'], path: string) => {
    const { status, text } = await requestPublic(account(), `http://${DnsName}${path}`);
    return { status, body: JSON.parse(text) as Record<string, unknown> };
  };

  test("STS reports a session of the task role to the task's own SDK", async () => {
    const outputs = await start('identity');
    const { status, body } = await get(outputs, '/identity');
    expect({ status, body }).toMatchObject({ status: 200, body: { Account: '000000000000' } });
    expect(body.Arn).toMatch(
      new RegExp(`^arn:aws:sts::000000000000:assumed-role/${outputs.TaskRole}/[0-9a-f]{8}-[0-9a-f-]+$`),
    );
    const credentials = (await get(outputs, '/process')).body.credentials as string;
    expect(credentials).toMatch(new RegExp(`^http://169\\.254\\.170\\.2:${account().port}/v2/credentials/`));
    expect((await fetch(credentials)).status).toBe(200);
    expect((await fetch(credentials.replace(/[^/]+$/, 'another'))).status).toBe(400);
  });

  test('a role that does not trust ECS tasks gives a task no credentials', async () => {
    const outputs = await start('untrusted', { trusted: 'lambda.amazonaws.com' });
    const { status, body } = await get(outputs, '/identity');
    expect(status).toBe(500);
    expect(body.error).toMatch(/CredentialsProviderError|does not trust ECS tasks/);
  });

  test('the account listens on the loopback and on the address of task credentials, and nowhere else', () => {
    const port = account().port.toString(16).toUpperCase().padStart(4, '0');
    const listening = ['tcp', 'tcp6'].flatMap((table) =>
      readFileSync(`/proc/net/${table}`, 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter(([, local = '', , state]) => local.endsWith(`:${port}`) && state === '0A')
        .map(([, local]) => local?.split(':')[0]),
    );
    // 127.0.0.1 and 169.254.170.2, in the kernel's byte order.
    expect(listening.sort()).toEqual(['0100007F', '02AAFEA9']);
  });

  test('user, read-only root, memory limit, capabilities, entry point and volumes of a container are applied', async () => {
    const outputs = await start('settings', SETTINGS);
    const { body } = await get(outputs, '/process');
    expect(body).toMatchObject({ argv: ['given'], writes: { root: 'EROFS', volume: null } });
    expect(body.status).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m);
    expect(body.status).toMatch(/^CapBnd:\t0+$/m);
    const names = engine().containers('label=com.amazonaws.ecs.task-definition-family=settings-TaskDefinition');
    expect(
      engine()
        .run('inspect', '--format', '{{.HostConfig.Memory}}', ...names)
        .trim(),
    ).toBe(String(256 * 2 ** 20));
  });

  test('containers of one task share a network', async () => {
    const environment = [
      { Name: 'PORT', Value: '8081' },
      { Name: 'RELEASE', Value: 'sidecar' },
    ];
    const sidecar = { Name: 'sidecar', Image: IMAGE, Environment: environment, VersionConsistency: 'disabled' };
    const outputs = await start('packed', { sidecars: [sidecar] });
    const path = `/fetch?url=${encodeURIComponent('http://127.0.0.1:8081/release')}`;
    const { text } = await until(async () => {
      const { status, body } = await get(outputs, path);
      return status === 200 && body;
    });
    expect(text).toBe('{"release":"sidecar"}');
  });
});
