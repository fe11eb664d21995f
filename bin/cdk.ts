import { App, Aspects, CloudFormationValidatePlugin, type IPolicyValidationPlugin, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { RegistryStack } from '../app-plane/infra/registry-stack.ts';
import { SharedInfraStack } from '../app-plane/infra/shared-infra/shared-infra-stack.ts';
import { PoolStack } from '../app-plane/infra/tenant-stacks/pool-stack.ts';
import { SharedClusterStack } from '../app-plane/infra/tenant-stacks/shared-cluster-stack.ts';
import { type AppPlane, ControlPlaneStack } from '../control-plane/infra/control-plane-stack.ts';
import { CONFIG_EXIT_CODE, isDomainError } from '../core/errors.ts';
import { readSettings, type Settings } from '../infra/configuration.ts';
import { removeUnusedAssets } from '../infra/unused-assets.ts';

/**
 * The stacks of the AWS home. infra/configuration.ts describes the settings: `-c environment=NAME` adds an environment to the
 * account, `-c configuration=FILE` names the configuration, `-c controlPlaneOnly=true` leaves out the application plane, and
 * `-c nag=true` runs all rules of cdk-nag and CDK's validation, which doubles the time of a synthesis. Synthesis needs no
 * network and no tool other than Node.
 */
const app = new App({
  // Without stacks to bundle, SBT does not build its Python functions in a container. Ours replace them.
  postCliContext: { 'aws:cdk:bundling-stacks': [] },
  builtinCloudFormationValidation: false,
});
const { nag, ...settings } = settingsOf(app);
const sharedInfra = settings.controlPlaneOnly ? undefined : appPlaneStacks(app, settings);
new ControlPlaneStack(app, { ...settings, ...(sharedInfra && { appPlane: usedByControlPlane(sharedInfra) }) });
if (nag) {
  Aspects.of(app).add(new AwsSolutionsChecks({ verbose: true, reports: true }));
  // CDK declares its classes without exact optional properties, so they do not match its own interfaces.
  Validations.of(app).addPlugins(new CloudFormationValidatePlugin() as IPolicyValidationPlugin);
}
const { directory, stacks } = app.synth();
for (const { stackName } of stacks) removeUnusedAssets(directory, stackName);

/** @returns the one that other stacks use */
function appPlaneStacks(scope: App, props: Omit<Settings, 'nag'>): SharedInfraStack {
  new RegistryStack(scope, props);
  const infra = new SharedInfraStack(scope, props);
  new PoolStack(scope, { ...props, infra });
  new SharedClusterStack(scope, { ...props, infra });
  return infra;
}

function usedByControlPlane({ table, passwordKey, alarmTopics, sites }: SharedInfraStack): AppPlane {
  return { table, passwordKey, alarmTopics, adminUrl: sites.admin.url, appUrl: sites.app.url };
}

/** Ends the process with the list of errors if the settings are invalid. */
function settingsOf({ node }: App): Settings {
  try {
    return readSettings((key) => node.tryGetContext(key));
  } catch (error) {
    if (!isDomainError(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(CONFIG_EXIT_CODE);
  }
}
