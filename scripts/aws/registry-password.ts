import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';

/** `node scripts/aws/registry-password.ts`: prints a password for `docker login --username AWS`, which is valid for 12 hours. */
const { authorizationData: [data] = [] } = await new ECRClient({}).send(new GetAuthorizationTokenCommand({}));
const [, password = ''] = Buffer.from(data?.authorizationToken ?? '', 'base64')
  .toString()
  .split(':');
process.stdout.write(password);
