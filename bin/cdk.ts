import { App } from 'aws-cdk-lib';
import * as z from 'zod';
import { ControlPlaneStack } from '../control-plane/infra/control-plane-stack.ts';

/**
 * The AWS home's stacks. Context: `-c environment=NAME` for an environment beside the first, `-c mfa=required`.
 * Nothing outside this machine is asked, and no tool but Node is needed.
 */
const Context = z.object({
  environment: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,11}$/, 'must be 1 to 12 lower-case letters and digits')
    .default('main'),
  mfa: z.enum(['optional', 'required']).default('optional'),
});

// SBT bundles its Python functions in a container, unless no stack is to be bundled; ours replace them.
const app = new App({ postCliContext: { 'aws:cdk:bundling-stacks': [] } });
const { environment, mfa } = Context.parse({
  environment: app.node.tryGetContext('environment'),
  mfa: app.node.tryGetContext('mfa'),
});
const suffix = environment === 'main' ? '' : `-${environment}`;
new ControlPlaneStack(app, `controlplane-stack${suffix}`, {
  environmentName: environment,
  mfa,
  description: 'Control plane of Tierplane',
});
app.synth();
