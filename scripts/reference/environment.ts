import { code, table } from './markdown.ts';

interface Variable {
  readonly meaning: string;
  readonly fallback?: string;
}

/** Variables that a user sets. Times, sizes and formats are in the meaning. */
export const OPERATOR_VARIABLES: Readonly<Record<string, Variable>> = {
  TIERPLANE_DATA_DIR: { meaning: 'The data directory. `--data-dir` overrides it.', fallback: '.tierplane' },
  TIERPLANE_URL: {
    meaning: 'Address of the platform that commands address. `--url` and `--data-dir` override it.',
    fallback: 'the platform of the last `tierplane login`, then the one in `.tierplane`',
  },
  TIERPLANE_CLIENT_ID: {
    meaning: 'Client id of a credential for scripts; used where `--url` or TIERPLANE_URL names the platform.',
    fallback: 'the profile of `tierplane login`',
  },
  TIERPLANE_CLIENT_SECRET: { meaning: 'Secret of TIERPLANE_CLIENT_ID.', fallback: 'none' },
  TIERPLANE_PASSWORD: {
    meaning:
      'Password for `tierplane token --tenant ... --user ...`. `--password` overrides it, but other users of the machine can see it while the command runs.',
    fallback: 'none',
  },
  TIERPLANE_TENANT_TOKEN: {
    meaning: 'Access token of a user of the tenant for `tierplane throttle-test`. `--token` overrides it.',
    fallback: 'none',
  },
  TIERPLANE_DEBUG: { meaning: 'Any value: print the stack trace of an unexpected error to stderr.', fallback: 'off' },
  TIERPLANE_CDK_OUTPUT: { meaning: 'Folder for the CDK output of the scripts that install.', fallback: 'dist/cdk' },
  AWS_REGION: { meaning: 'Region of the scripts and of `tierplane --aws`.', fallback: "the profile's region" },
  SKIP_CONFIRM: { meaning: 'Any value: `scripts/cleanup/cleanup.sh` does not ask for confirmation.', fallback: 'off' },
  NODE_COMPILE_CACHE: {
    meaning: "Folder of Node's compile cache, which halves the start of every command and process.",
    fallback: '`$XDG_CACHE_HOME/tierplane`, `~/.cache/tierplane`; in a clone `node_modules/.cache/tierplane`',
  },
};

/** Variables that the platform sets for the processes it starts. */
export const PROCESS_VARIABLES: Readonly<Record<string, Variable>> = {
  TIERPLANE_GATEWAY: { meaning: 'Gateway: its configuration, as JSON.' },
  TIERPLANE_INSTANCE: {
    meaning: 'Every process: the id of the data directory, by which a later start finds leftovers.',
  },
  TIERPLANE_PLATFORM: {
    meaning: 'Agent and gateway: pid and start of their platform, by which a second start recognises a running one.',
  },
  TIERPLANE_SERVICE: { meaning: 'Task: name of the service, a folder of `services/`.' },
  TIERPLANE_TIER: { meaning: 'Task: the tier it serves.' },
  TIERPLANE_TENANT: { meaning: 'Task: id of the one tenant it serves; empty for a pooled task.' },
  TIERPLANE_TASK_ID: { meaning: 'Task: its id, in log lines.' },
  TIERPLANE_SOCKET: { meaning: 'Task: path of the Unix socket to listen on, at most 107 bytes.' },
  TIERPLANE_DATA_FILE: { meaning: 'Task: path of its database file.' },
  TIERPLANE_ISSUERS: { meaning: 'Task: issuers whose tokens it accepts, as JSON; embedded, with their key sets.' },
  TIERPLANE_ACCOUNT_ID: {
    meaning: 'Installation scripts: the account, which the script that called them has checked.',
  },
  TIERPLANE_ASSEMBLY: { meaning: 'Installation scripts: the folder in which the stacks are synthesized already.' },
  TIERPLANE_IMAGE_PREFIX: { meaning: 'Installation scripts: what local names of images begin with in a rehearsal.' },
  TIERPLANE_IDENTITY_URL: { meaning: 'Task: URL below which the realms are.' },
  TIERPLANE_ROUTED_SERVICES: { meaning: 'Ingress: the services that requests may reach, such as `orders,products`.' },
  TIERPLANE_SERVICE_PORT: { meaning: 'Ingress: the port of every service; 8080 by default.' },
  TIERPLANE_STAGE: { meaning: 'Ingress: the stage of API Gateway that may precede the service in a path.' },
  TIERPLANE_SHARD: { meaning: 'Ingress: the shard that may precede the service in a path, after the stage.' },
  TIERPLANE_TEST_MODE: { meaning: '`1`: tests may make the platform crash at a chosen step.' },
};

/** Variables that the stack sets for the functions of the AWS home. */
export const FUNCTION_VARIABLES: Readonly<Record<string, Variable>> = {
  TIERPLANE_TABLE: { meaning: "Function: name of the platform's table. Container: name of the service's table." },
  TIERPLANE_ACCOUNTS_URL: { meaning: 'Where the account pages are. Links in mails begin with it.' },
  TIERPLANE_ADMIN_URL: { meaning: 'Where system users sign in.' },
  TIERPLANE_PASSWORD_CLIENT: {
    meaning: "Id of the client in the administrators' pool whose sign-ins prove a current password.",
  },
  TIERPLANE_APP_PLANE_TABLE: { meaning: "Name of the application plane's table, which holds the users of tenants." },
  TIERPLANE_CONTROL_PLANE_TABLE: { meaning: "Name of the control plane's table, which holds tenants and operators." },
  TIERPLANE_RELEASE: { meaning: 'The release that new tenants get.' },
  TIERPLANE_BUS: { meaning: 'Name of the event bus.' },
  TIERPLANE_PREFIX: { meaning: "Prefix of the names of this environment's queues and user pools." },
  TIERPLANE_ADMIN_POOL: { meaning: 'Id of the user pool of system admins.' },
  TIERPLANE_ADMIN_CLIENT: { meaning: "Id of that pool's public client." },
  TIERPLANE_MACHINE_CLIENT: {
    meaning: "Id of SBT's machine client, whose token authorizes the application plane's results.",
  },
  TIERPLANE_AUTOMATION_CLIENT: { meaning: 'Id of the confidential client with which scripts use the API.' },
  TIERPLANE_PASSWORD_KEY: { meaning: 'ARN of the KMS key that seals chosen passwords until their users exist.' },
  TIERPLANE_SENDER: { meaning: 'Sender of mails; a verified identity of SES.' },
  TIERPLANE_APP_URL: { meaning: "URL where tenants' users sign in; mails link to it." },
  TIERPLANE_RESERVED_NAMES: { meaning: 'Names that no new tenant may have, separated by commas.' },
  TIERPLANE_WORK_QUEUE: { meaning: 'URL of the queue of tenants to work on.' },
  TIERPLANE_REST_API: { meaning: "Id of the tenants' REST API." },
  TIERPLANE_API_URL: { meaning: "URL of the tenants' REST API with its stage, without a slash at its end." },
  TIERPLANE_USAGE_PLANS: { meaning: 'The id of the usage plan of each tier, as JSON.' },
  TIERPLANE_MANIFEST: {
    meaning: 'The release that new tenants get, and the bucket and the SHA-256 of its manifest, as JSON.',
  },
  TIERPLANE_ALARM_TOPIC: { meaning: "ARN of the topic that alarms of tenants' stacks notify." },
  TIERPLANE_ENVIRONMENT: { meaning: '`main`, or the name of another environment in the account.' },
  TIERPLANE_LOAD_BALANCERS: {
    meaning: 'JSON: the addresses of the load balancers, and the host name in their certificate.',
  },
  TIERPLANE_TIERS: { meaning: 'JSON: how the tasks of each tier run.' },
  TIERPLANE_DEPLOYMENT_ROLE: { meaning: "ARN of the role with which CloudFormation creates tenants' stacks." },
  TIERPLANE_POOL_STACK: { meaning: 'Name of the stack of the pooled services.' },
  TIERPLANE_POOLED_TABLES: { meaning: 'Names of the pooled tables, as JSON.' },
  TIERPLANE_NETWORK: { meaning: 'Where tasks run and which load balancers reach them, as JSON.' },
  TIERPLANE_CPU_ARCHITECTURE: { meaning: 'CPU architecture of tasks: `ARM64` or `X86_64`.' },
  TIERPLANE_SMOKE_FUNCTION: { meaning: 'Name or ARN of the function that sends smoke requests.' },
  TIERPLANE_POOL_USER_POOL: { meaning: 'Id of the user pool of pooled tenants.' },
  TIERPLANE_POOL_CLIENT: { meaning: "Id of that pool's public client." },
  TIERPLANE_OWN_POOL_MFA: {
    meaning:
      'Whether users of tenants with a user pool of their own must use a second factor: `optional` or `required`.',
  },
  TIERPLANE_PRE_TOKEN_FUNCTION: { meaning: 'ARN of the function that adds claims to access tokens.' },
  TIERPLANE_CUSTOM_MESSAGE_FUNCTION: { meaning: 'ARN of the function that writes the mails of user pools.' },
};

/** Variables that the stack sets for the services' containers in the AWS home, beside those of a task. */
export const CONTAINER_VARIABLES: Readonly<Record<string, Variable>> = {
  TIERPLANE_DATA_ROLE: { meaning: 'Container: ARN of the role whose sessions reach the data of one tenant.' },
  TIERPLANE_SERVICES: {
    meaning: 'Container: endpoints of other services, as JSON: `{"products":["http://products:8080"]}`.',
  },
  TIERPLANE_USERS_FUNCTION: {
    meaning:
      'Container: name or ARN of the function `tenant-users`, which tells the role that a caller has now. Without it, `TIERPLANE_IDENTITY_URL` does; the users service requires it.',
  },
  TIERPLANE_PORT: { meaning: 'Container: port to listen on; 8080 by default.' },
};

export function operatorVariables(): string {
  const rows = Object.entries(OPERATOR_VARIABLES).map(([name, { meaning, fallback = '' }]) => [
    code(name),
    /^[\w./]+$/.test(fallback) && fallback !== 'none' && fallback !== 'off' ? code(fallback) : fallback,
    meaning,
  ]);
  return table(['Variable', 'Default', 'Meaning'], rows);
}

export function internalVariables(): string {
  const all = { ...PROCESS_VARIABLES, ...FUNCTION_VARIABLES, ...CONTAINER_VARIABLES };
  return table(
    ['Variable', 'Meaning'],
    Object.entries(all).map(([name, { meaning }]) => [code(name), meaning]),
  );
}
