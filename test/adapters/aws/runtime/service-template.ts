import type { DeploymentTemplate } from '../../../../adapters/aws/runtime/deployment-template.ts';
import { IMAGE } from '../../../rehearsal/task/image.ts';
import { serviceTemplate } from '../../../rehearsal/task/template.ts';

const PARAMETERS = {
  Cluster: '^(pool|shared|tenant-[a-z0-9]{8,26})$',
  Tier: '^[a-z]{1,20}$',
  Release: '^[0-9]+\\.[0-9]+\\.[0-9]+$',
  /** The exit code with which the container ends at once. */
  ExitWith: '^[0-9]{0,3}$',
} as const;

/** Name of the one service of the template. */
export const SERVICE = 'products';

/**
 * A deployment of one service. The container ends at once with the exit code that the environment variable EXIT_WITH names,
 * if any.
 */
export function testTemplate(): DeploymentTemplate {
  const base = JSON.parse(
    serviceTemplate('test', {
      environment: { EXIT_WITH: '<exit>', RELEASE: '<release>', TIERPLANE_TIER: '<tier>' },
      image: IMAGE,
      service: { DesiredCount: { Ref: 'DesiredCount' } },
    }),
  );
  const { Cluster, LoadBalancer, TaskDefinition } = base.Resources;
  Cluster.Properties = {};
  LoadBalancer.Properties.Name = { Ref: 'AWS::StackName' };
  const [main] = TaskDefinition.Properties.ContainerDefinitions;
  const refs: Readonly<Record<string, string>> = { EXIT_WITH: 'ExitWith', RELEASE: 'Release', TIERPLANE_TIER: 'Tier' };
  for (const variable of main.Environment) {
    const parameter = refs[variable.Name];
    if (parameter) variable.Value = { Ref: parameter };
  }
  const Parameters = {
    ...Object.fromEntries(
      Object.entries(PARAMETERS).map(([name, AllowedPattern]) => [name, { Type: 'String', AllowedPattern }]),
    ),
    DesiredCount: { Type: 'Number', MinValue: 0 },
  };
  const variant = {
    source: { TemplateBody: JSON.stringify({ Parameters, Resources: base.Resources }) },
    patterns: Object.fromEntries(Object.entries(PARAMETERS).map(([name, pattern]) => [name, new RegExp(pattern)])),
    desiredCounts: { [SERVICE]: 'DesiredCount' },
  };
  return {
    services: [{ service: SERVICE, logicalIds: ['Service'] }],
    variantOf: () => variant,
    valuesOf: ({ cluster, release, environment }) => ({
      Cluster: cluster,
      Release: release,
      Tier: environment.TIERPLANE_TIER ?? 'basic',
      ExitWith: environment.EXIT_WITH ?? '',
    }),
  };
}
