import { CreateServiceLinkedRoleCommand, IAMClient } from '@aws-sdk/client-iam';

/**
 * `node scripts/aws/service-linked-roles.ts`: creates the roles with which AWS services work for the stacks. AWS creates such a
 * role by itself at the first use, but the first stack that needs it may fail before the role is known everywhere.
 */
const SERVICES = [
  'ecs.amazonaws.com',
  'elasticloadbalancing.amazonaws.com',
  // VPC links.
  'ops.apigateway.amazonaws.com',
  'ecs.application-autoscaling.amazonaws.com',
];
const iam = new IAMClient({ region: process.env.AWS_REGION || 'us-east-1' });
for (const AWSServiceName of SERVICES) {
  try {
    await iam.send(new CreateServiceLinkedRoleCommand({ AWSServiceName }));
    process.stdout.write(`  \u2713 service-linked role of ${AWSServiceName}: created\n`);
  } catch (error) {
    const exists = error instanceof Error && /has been taken|already exists/.test(error.message);
    if (!exists) throw error;
    process.stdout.write(`  \u2713 service-linked role of ${AWSServiceName}: exists\n`);
  }
}
