import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** A statement that allows the actions on the resources. @param conditions operator -> key -> value. @default - none */
export function allow(
  actions: string[],
  resources: string[],
  conditions?: Record<string, Record<string, string | string[]>>,
): PolicyStatement {
  return new PolicyStatement({ actions, resources, ...(conditions && { conditions }) });
}

/** The names of a service's actions: `dynamodb:GetItem` for `GetItem`. */
export function actionsOf(service: string, names: readonly string[]): string[] {
  return names.map((name) => `${service}:${name}`);
}
