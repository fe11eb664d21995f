import { App, Aspects, CloudFormationValidatePlugin, type IPolicyValidationPlugin, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { CoreAppPlaneStack } from '../app-plane/infra/core-appplane/core-appplane-stack.ts';
import { RegistryStack } from '../app-plane/infra/registry-stack.ts';
import { SharedInfraStack } from '../app-plane/infra/shared-infra/shared-infra-stack.ts';
import { PoolStack } from '../app-plane/infra/tenant-stacks/pool-stack.ts';
import { SharedClusterStack } from '../app-plane/infra/tenant-stacks/shared-cluster-stack.ts';
import { type AppPlane, ControlPlaneStack } from '../control-plane/infra/control-plane-stack.ts';
import { CONFIG_EXIT_CODE, isDomainError } from '../core/errors.ts';
import { packageVersion, readSettings, type Settings } from '../infra/configuration.ts';
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
if (settings.controlPlaneOnly) new ControlPlaneStack(app, settings);
else addStacks(app, settings);
if (nag) {
  Aspects.of(app).add(new AwsSolutionsChecks({ verbose: true, reports: true }));
  // CDK declares its classes without exact optional properties, so they do not match its own interfaces.
  Validations.of(app).addPlugins(new CloudFormationValidatePlugin() as IPolicyValidationPlugin);
}
const { directory, stacks } = app.synth();
for (const { stackName } of stacks) removeUnusedAssets(directory, stackName);

/** All stacks, in the order of their deployment. */
function addStacks(scope: App, props: Omit<Settings, 'nag'>): void {
  new RegistryStack(scope, props);
  const infra = new SharedInfraStack(scope, props);
  const pool = new PoolStack(scope, { ...props, infra });
  new SharedClusterStack(scope, { ...props, infra });
  const controlPlane = new ControlPlaneStack(scope, { ...props, appPlane: usedByControlPlane(infra) });
  new CoreAppPlaneStack(scope, { ...props, infra, pool, controlPlane, version: packageVersion() });
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
