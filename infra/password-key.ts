import { RemovalPolicy } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

/** The key of passwords that wait for their users. It remains when the stack is deleted. */
export function passwordKey(scope: Construct): Key {
  return new Key(scope, 'PasswordKey', {
    description: 'Encrypts passwords chosen at sign-up until they are in the user pool',
    enableKeyRotation: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
}
