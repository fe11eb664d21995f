import { App, Aspects, CloudFormationValidatePlugin, type IPolicyValidationPlugin, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import * as z from 'zod';
import { ControlPlaneStack } from '../control-plane/infra/control-plane-stack.ts';
import { removeUnusedAssets } from '../control-plane/infra/unused-assets.ts';

/**
 * The AWS home's stacks. Context: `-c environment=NAME` for an environment beside the first, `-c mfa=required`,
 * `-c nag=true` to have cdk-nag and CDK's own validation report on every rule they know: half of the time of a synthesis.
 * Nothing outside this machine is asked, and no tool but Node is needed.
 */
const Context = z.object({
  environment: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,11}$/, 'must be 1 to 12 lowercase letters and digits')
    .default('main'),
  mfa: z.enum(['optional', 'required']).default('optional'),
  nag: z.stringbool().default(false),
});

const app = new App({
  // SBT bundles its Python functions in a container, unless no stack is to be bundled; ours replace them.
  postCliContext: { 'aws:cdk:bundling-stacks': [] },
  builtinCloudFormationValidation: false,
});
const { environment, mfa, nag } = Context.parse({
  environment: app.node.tryGetContext('environment'),
  mfa: app.node.tryGetContext('mfa'),
  nag: app.node.tryGetContext('nag'),
});
const suffix = environment === 'main' ? '' : `-${environment}`;
const stack = new ControlPlaneStack(app, `controlplane-stack${suffix}`, {
  environmentName: environment,
  mfa,
  description: 'Control plane of Tierplane',
});
if (nag) {
  Aspects.of(app).add(new AwsSolutionsChecks({ verbose: true, reports: true }));
  // CDK declares its classes without exact optional properties, so they do not match its own interfaces.
  Validations.of(app).addPlugins(new CloudFormationValidatePlugin() as IPolicyValidationPlugin);
}
removeUnusedAssets(app.synth().directory, stack.stackName);
