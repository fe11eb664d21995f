import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

/**
 * `node scripts/aws/caller.ts account|region`: prints the account of the current credentials, or the region of the environment
 * or the profile. Fails if there is none.
 */
if (process.argv[2] === 'region') {
  process.stdout.write(`${await new STSClient().config.region()}\n`);
} else {
  // Every region knows the account.
  const sts = new STSClient({ region: process.env.AWS_REGION || 'us-east-1' });
  process.stdout.write(`${(await sts.send(new GetCallerIdentityCommand())).Account}\n`);
}
