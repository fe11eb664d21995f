import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { describeInAccount } from '../../rehearsal/account.ts';
import { closeServer, listen } from '../../support/http-server.ts';
import { createLambdaWorld, type LambdaWorld } from './lambda-world.ts';

jest.setTimeout(60_000);

const STACK = 'arn:aws:cloudformation:us-east-1:000000000000:stack/controlplane-stack/guid';
const ADMIN = { Name: 'admin', Email: 'admin@platform.example', Role: 'SystemAdmin' };

describeInAccount('the custom resource of the first administrator in an emulated account', (account) => {
  let world: LambdaWorld;
  let handler: typeof import('../../../control-plane/lambda/create-admin.ts').handler;
  let server: Server;
  let url: string;
  /** The responses that CloudFormation received. */
  const responses: { readonly method: string; readonly type: string | undefined; readonly body: unknown }[] = [];
  let status = 200;

  beforeAll(async () => {
    world = await createLambdaWorld(account(), 'create-admin');
    Object.assign(process.env, world.environment);
    ({ handler } = await import('../../../control-plane/lambda/create-admin.ts'));
    server = createServer(async (req, res) => {
      let text = '';
      for await (const chunk of req.setEncoding('utf8')) text += chunk;
      responses.push({ method: req.method ?? '', type: req.headers['content-type'], body: JSON.parse(text) });
      res.writeHead(status).end();
    });
    url = `${(await listen(server)).url}/result?signature=x`;
  });
  afterAll(async () => server && closeServer(server));
  beforeEach(() => {
    responses.length = 0;
    status = 200;
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  function event(
    RequestType: CloudFormationCustomResourceEvent['RequestType'],
    properties: object,
  ): CloudFormationCustomResourceEvent {
    const ServiceToken = 'arn:aws:lambda:us-east-1:000000000000:function:create-admin';
    return {
      ...{ RequestType, ServiceToken, ResponseURL: url, StackId: STACK, RequestId: 'request-1' },
      ...{ LogicalResourceId: 'FirstAdmin', ResourceType: 'AWS::CloudFormation::CustomResource' },
      ...(RequestType !== 'Create' && { PhysicalResourceId: 'admin' }),
      ResourceProperties: { ServiceToken, UserPoolId: world.environment.TIERPLANE_ADMIN_POOL, ...properties },
      ...(RequestType === 'Update' && { OldResourceProperties: ADMIN }),
    } as CloudFormationCustomResourceEvent;
  }

  function outcome(Status: string, more: object = {}): object {
    const body = { StackId: STACK, RequestId: 'request-1', LogicalResourceId: 'FirstAdmin', Status, ...more };
    // The pre-signed S3 address accepts only an empty content type.
    return { method: 'PUT', type: '', body };
  }

  const admins = async () => (await world.identity.users('admin', { limit: 10 })).items;

  test('invites the administrator once, also for concurrent and repeated requests', async () => {
    await Promise.all([handler(event('Create', ADMIN)), handler(event('Create', ADMIN))]);
    await handler(event('Create', ADMIN));
    expect(responses).toEqual(Array(3).fill(outcome('SUCCESS', { PhysicalResourceId: 'admin' })));
    expect(await admins()).toMatchObject([
      { userName: 'admin', email: 'admin@platform.example', role: 'SystemAdmin', status: 'FORCE_CHANGE_PASSWORD' },
    ]);
  });

  test('does not change the administrator when the stack is updated or deleted', async () => {
    await world.identity.updateUser('admin', 'admin', { email: 'moved@platform.example' });
    const before = await admins();
    await handler(event('Update', { ...ADMIN, Email: 'other@platform.example' }));
    await handler(event('Delete', ADMIN));
    expect(responses).toEqual(Array(2).fill(outcome('SUCCESS', { PhysicalResourceId: 'admin' })));
    expect(await admins()).toEqual(before);
  });

  test('lets a stack with an invalid resource be deleted', async () => {
    await handler(event('Delete', { Name: 7 }));
    expect(responses).toEqual([outcome('SUCCESS', { PhysicalResourceId: 'admin' })]);
  });

  test.each([
    ['Create', { ...ADMIN, Email: undefined }, 'Email', 'none'],
    ['Create', { ...ADMIN, Name: 'second', Email: 'no email' }, 'email', 'none'],
    ['Update', { ...ADMIN, Name: 'second', Email: 'moved@platform.example' }, 'the email is taken', 'admin'],
  ] as const)('reports to CloudFormation why it fails: %s %j', async (type, properties, reason, PhysicalResourceId) => {
    await handler(event(type, properties));
    expect(responses).toEqual([outcome('FAILED', { PhysicalResourceId, Reason: expect.stringContaining(reason) })]);
    expect(await admins()).toHaveLength(1);
  });

  test('reports an invalid environment of the function to CloudFormation', async () => {
    const { TIERPLANE_TABLE: table } = process.env;
    delete process.env.TIERPLANE_TABLE;
    try {
      await handler(event('Create', ADMIN));
    } finally {
      Object.assign(process.env, { TIERPLANE_TABLE: table });
    }
    expect(responses).toEqual([
      outcome('FAILED', { PhysicalResourceId: 'none', Reason: expect.stringContaining('TABLE') }),
    ]);
  });

  test('fails if CloudFormation refuses the response, so that Lambda retries', async () => {
    status = 503;
    await expect(handler(event('Create', ADMIN))).rejects.toThrow('with status 503');
    expect(responses).toEqual([outcome('SUCCESS', { PhysicalResourceId: 'admin' })]);
  });
});
