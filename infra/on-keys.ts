import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { actionsOf, allow } from './allow.ts';

/** Allows the actions on items whose partition keys match. A call without keys, such as a scan, is refused. */
export function onKeys(actions: readonly string[], resources: string[], keys: readonly string[]): PolicyStatement {
  return allow(actionsOf('dynamodb', actions), resources, {
    'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [...keys] },
    Null: { 'dynamodb:LeadingKeys': 'false' },
  });
}
