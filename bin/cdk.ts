import { App, Aspects, CloudFormationValidatePlugin, type IPolicyValidationPlugin, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import * as z from 'zod';
import { ControlPlaneStack } from '../control-plane/infra/control-plane-stack.ts';
import { removeUnusedAssets } from '../infra/unused-assets.ts';

/**
 * The stacks of the AWS home. Context: `-c environment=NAME` adds an environment to the account, `-c mfa=required` requires a
 * second factor of administrators, `-c reservedNames=www,admin` replaces the names that no tenant may have, and `-c nag=true` runs all rules of cdk-nag and CDK's validation, which doubles the time
 * of a synthesis. Synthesis needs no network and no tool other than Node.
 */
const Context = z.object({
  environment: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,11}$/, 'must be 1 to 12 lowercase letters and digits')
    .default('main'),
  mfa: z.enum(['optional', 'required']).default('optional'),
  reservedNames: z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .optional(),
  nag: z.stringbool().default(false),
});

const app = new App({
  // Without stacks to bundle, SBT does not build its Python functions in a container. Ours replace them.
  postCliContext: { 'aws:cdk:bundling-stacks': [] },
  builtinCloudFormationValidation: false,
});
const { environment, mfa, reservedNames, nag } = Context.parse({
  environment: app.node.tryGetContext('environment'),
  mfa: app.node.tryGetContext('mfa'),
  reservedNames: app.node.tryGetContext('reservedNames'),
  nag: app.node.tryGetContext('nag'),
});
const suffix = environment === 'main' ? '' : `-${environment}`;
const stack = new ControlPlaneStack(app, `controlplane-stack${suffix}`, {
  environmentName: environment,
  mfa,
  ...(reservedNames && { reservedNames }),
  description: 'Control plane of Tierplane',
});
if (nag) {
  Aspects.of(app).add(new AwsSolutionsChecks({ verbose: true, reports: true }));
  // CDK declares its classes without exact optional properties, so they do not match its own interfaces.
  Validations.of(app).addPlugins(new CloudFormationValidatePlugin() as IPolicyValidationPlugin);
}
removeUnusedAssets(app.synth().directory, stack.stackName);
