import { App, CfnOutput, type Stack } from 'aws-cdk-lib';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { ControlPlaneStack } from '../../../control-plane/infra/control-plane-stack.ts';
import { readSettings } from '../../../infra/configuration.ts';
import { passwordKey } from '../../../infra/password-key.ts';
import { platformTable } from '../../../infra/platform-table.ts';
import { TierplaneStack } from '../../../infra/tierplane-stack.ts';
import { removeUnusedAssets } from '../../../infra/unused-assets.ts';

/**
 * A CDK app with the control plane's stack and what it uses of the application plane. Context: `-c billing=true` adds a billing
 * hook.
 */
const app = new App({ postCliContext: { 'aws:cdk:bundling-stacks': [] }, builtinCloudFormationValidation: false });
const settings = readSettings((key) => app.node.tryGetContext(key));

class AppPlaneParts extends TierplaneStack {
  readonly adminUrl = 'https://admin.example.com';
  readonly appUrl = 'https://app.example.com';
  readonly table = platformTable(this, 'Table');
  readonly passwordKey = passwordKey(this);
  readonly alarmTopics = { critical: new Topic(this, 'Critical'), warning: new Topic(this, 'Warning') };

  constructor() {
    super(app, 'parts', { ...settings, description: 'What the control plane uses of the application plane' });
    new CfnOutput(this, 'tableName', { value: this.table.tableName });
  }
}

/** Functions of a billing system. */
function billing(stack: Construct) {
  const one = (id: string) => ({
    handler: new LambdaFunction(stack as Stack, id, {
      ...{ runtime: Runtime.NODEJS_24_X, architecture: Architecture.ARM_64, handler: 'index.handler' },
      code: Code.fromInline('exports.handler = async () => {};'),
    }),
  });
  return { createCustomerFunction: one('CreateCustomer'), deleteCustomerFunction: one('DeleteCustomer') };
}

const appPlane = new AppPlaneParts();
const withBilling = app.node.tryGetContext('billing') === 'true';
const stack = new ControlPlaneStack(app, { ...settings, appPlane, ...(withBilling && { billing }) });
removeUnusedAssets(app.synth().directory, stack.stackName);
