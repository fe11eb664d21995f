import * as z from 'zod';
import { openUsersInvocation } from '../../adapters/aws/identity/users-invocation.ts';
import { parseEnvironment } from '../kit/environment.ts';
import { runAwsService } from '../kit/server-aws.ts';
import { environmentOrExit } from '../kit/server-process.ts';
import { buildUsers } from './app.ts';

const Environment = z.object({
  /** Name or ARN of the function `tenant-users`, the only one that the task's role may invoke. */
  TIERPLANE_USERS_FUNCTION: z.string().min(1),
});

const { TIERPLANE_USERS_FUNCTION: usersFunction } = environmentOrExit('users', (variables) =>
  parseEnvironment(Environment, variables),
);

void runAwsService('users', (parts) => buildUsers(parts, openUsersInvocation(usersFunction)), {
  hasTable: false,
});
