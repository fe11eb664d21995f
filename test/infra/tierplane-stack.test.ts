import { expect, test } from '@jest/globals';
import { App, CfnParameter, Fn } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { readSettings } from '../../infra/configuration.ts';
import { TierplaneStack, type TierplaneStackProps } from '../../infra/tierplane-stack.ts';

const { configuration } = readSettings(() => undefined);
const TAGS = {
  Environment: 'blue',
  Application: 'tierplane',
  Team: 'platform',
  Project: 'tierplane',
  Owner: 'platform',
  'tierplane:environment': 'blue',
};

class ExampleStack extends TierplaneStack {
  constructor(scope: Construct, props: Partial<TierplaneStackProps> = {}) {
    super(scope, 'example-stack', { environmentName: 'blue', configuration, description: 'An example', ...props });
    new Topic(this, 'Topic');
  }
}

function tagsOf(stack: TierplaneStack): Record<string, unknown> {
  const [topic] = Object.values(Template.fromStack(stack).findResources('AWS::SNS::Topic'));
  const tags: { Key: string; Value: unknown }[] = topic?.Properties.Tags;
  return Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
}

test('a stack has a description, and its resources have the tags of the configuration', () => {
  const app = new App();
  const stack = new ExampleStack(app);
  expect(tagsOf(stack)).toEqual(TAGS);
  expect(Template.fromStack(stack).toJSON().Description).toBe('An example');
  expect(app.synth().getStackByName(stack.stackName).tags).toEqual(TAGS);
});

test('a second environment has other names', () => {
  const app = new App();
  const [first, second] = ['main', 'blue'].map((environmentName) => new ExampleStack(app, { environmentName }));
  expect([first?.stackName, first?.prefix]).toEqual(['example-stack', 'tierplane-main']);
  expect([second?.stackName, second?.prefix]).toEqual(['example-stack-blue', 'tierplane-blue']);
});

test("the resources of a tenant's stack name the tenant and its tier, which may be parameters", () => {
  const app = new App();
  const stack = new ExampleStack(app, { tenant: { tenantId: Fn.ref('TenantId'), tier: 'premium' } });
  new CfnParameter(stack, 'TenantId');
  expect(tagsOf(stack)).toEqual({ ...TAGS, TenantId: { Ref: 'TenantId' }, Tier: 'premium' });
  // CloudFormation knows parameters only when it creates the stack.
  expect(app.synth().getStackByName(stack.stackName).tags).toEqual(TAGS);
});
