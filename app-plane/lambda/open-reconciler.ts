import { APIGatewayClient } from '@aws-sdk/client-api-gateway';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { openIdentity } from '../../adapters/aws/identity/identity.ts';
import { openPasswordVault } from '../../adapters/aws/identity/password-vault.ts';
import { openUserPools } from '../../adapters/aws/identity/user-pool.ts';
import { openKeyCheck } from '../../adapters/aws/metering/key-check.ts';
import { openMeteringKeys } from '../../adapters/aws/metering/metering-keys.ts';
import { openManifests } from '../../adapters/aws/runtime/manifests.ts';
import { openPlaces } from '../../adapters/aws/runtime/places.ts';
import { openTable } from '../../adapters/aws/store/table.ts';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import type { Identity } from '../../core/ports/identity.ts';
import type { Log } from '../../core/ports/log.ts';
import type { Table } from '../../core/ports/table.ts';
import { newId } from '../../core/tenant/ids.ts';
import { createCallLimiter } from '../../core/usage/call-limiter.ts';
import { SERVICES, TIERS } from '../../tenant-templates/tiers.ts';
import { createIdentityDriver } from '../provisioner/drivers/identity.ts';
import { createRoutingDriver } from '../provisioner/drivers/routing.ts';
import { openReconciler, type ReconcileLimits } from '../provisioner/open-reconciler.ts';
import type { Reconciler } from '../provisioner/reconcile.ts';
import type { Environment } from './environment.ts';
import { DEPLOYMENT_VARIABLES, openDeploymentDriver, PATIENT } from './open-deployments.ts';

/** The environment variables that `openAwsReconciler` reads. */
export const RECONCILER_VARIABLES = [
  ...DEPLOYMENT_VARIABLES,
  'TIERPLANE_MANIFEST',
  ...(['AWS_REGION', 'TIERPLANE_TABLE', 'TIERPLANE_PASSWORD_KEY', 'TIERPLANE_API_URL', 'TIERPLANE_APP_URL'] as const),
  ...(['TIERPLANE_USAGE_PLANS', 'TIERPLANE_POOL_USER_POOL', 'TIERPLANE_POOL_CLIENT'] as const),
  ...(['TIERPLANE_PRE_TOKEN_FUNCTION', 'TIERPLANE_CUSTOM_MESSAGE_FUNCTION', 'TIERPLANE_OWN_POOL_MFA'] as const),
] as const;
type Variables = Pick<Environment, (typeof RECONCILER_VARIABLES)[number]>;

export interface ProcessParts {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  /** Where all services of AWS are. @default - each at its own address */
  readonly endpointUrl?: string | undefined;
}

export interface AwsReconciler {
  readonly table: Table;
  readonly reconciler: Reconciler;
}

/** A step of work that goes on elsewhere is short, and a throttled call is no reason to give a tenant up. */
const LIMITS: ReconcileLimits = { attempts: 8, onboardingSeconds: 900, stepSeconds: 40 };
/** API Gateway takes ten calls per second for its configuration, and a key needs up to five. */
const API_KEYS = { rate: 1, burst: 5 };
/** How soon a function looks again at a tenant that another one works on. */
const LEASE_RETRY_MS = 1_000;

/**
 * The reconciler of the functions of the AWS home: drivers for users, deployments and routes over this account. Reads the
 * manifest of the current release, and creates the pooled realm.
 * @throws UNAVAILABLE if a later call may succeed
 */
export async function openAwsReconciler(variables: Variables, parts: ProcessParts): Promise<AwsReconciler> {
  const { clock, random, log } = parts;
  // The templates' URLs have the bucket's name in their path, too.
  const manifests = openManifests(new S3Client({ forcePathStyle: true }), variables.TIERPLANE_MANIFEST);
  const current = await manifests.of(variables.TIERPLANE_MANIFEST.release);
  const dynamo = new DynamoDBClient();
  const table = openTable({ client: dynamo, tableName: variables.TIERPLANE_TABLE, clock, random });
  const identity = identityOf(variables, table, parts);
  const places = openPlaces({
    ...{ table, tiers: TIERS, shards: variables.TIERPLANE_NETWORK.shards.length, clock, random },
  });
  const reconciler = openReconciler({
    ...{ table, identity, places, clock, random, log, tiers: TIERS, services: SERVICES },
    drivers: [
      createIdentityDriver({ identity }),
      openDeploymentDriver(variables, { ...parts, table, dynamo, identity, places, manifests, current }),
      routingDriver(variables, table, parts),
    ],
    currentRelease: current.release,
    apiUrl: variables.TIERPLANE_API_URL,
    owner: newId(clock.now(), random),
    leaseRetryMs: LEASE_RETRY_MS,
    limits: LIMITS,
  });
  await identity.ensureRealm({ id: 'pool', displayName: 'Tierplane' });
  return { table, reconciler };
}

function identityOf(variables: Variables, table: Table, { clock, random }: ProcessParts): Identity {
  const pools = openUserPools(new CognitoIdentityProviderClient(), {
    ...{ prefix: variables.TIERPLANE_PREFIX, random, signInPage: variables.TIERPLANE_APP_URL },
    secondFactor: variables.TIERPLANE_OWN_POOL_MFA,
    triggers: {
      preToken: variables.TIERPLANE_PRE_TOKEN_FUNCTION,
      customMessage: variables.TIERPLANE_CUSTOM_MESSAGE_FUNCTION,
    },
  });
  return openIdentity({
    ...{ table, clock, pools, region: variables.AWS_REGION },
    vault: openPasswordVault(new KMSClient(), variables.TIERPLANE_PASSWORD_KEY),
    stackPools: {
      pool: { userPoolId: variables.TIERPLANE_POOL_USER_POOL, clientId: variables.TIERPLANE_POOL_CLIENT },
    },
  });
}

function routingDriver(variables: Variables, table: Table, { clock, random, endpointUrl }: ProcessParts) {
  const meteringKeys = openMeteringKeys({
    apiGateway: new APIGatewayClient(PATIENT),
    prefix: variables.TIERPLANE_PREFIX,
    usagePlanIds: variables.TIERPLANE_USAGE_PLANS,
    works: openKeyCheck({ apiUrl: variables.TIERPLANE_API_URL, table, clock, random, endpointUrl }),
    limiter: createCallLimiter({ name: 'api-keys', limit: API_KEYS, table, clock }),
  });
  // The authorizer keeps routes for seconds only.
  return createRoutingDriver({ table, random, meteringKeys, onRouteChange: () => undefined });
}
