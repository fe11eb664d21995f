import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DomainError } from '../../../core/errors.ts';
import { asDomainError } from '../store/errors.ts';

/** The addresses of an installation, from the outputs of its stacks. */
export interface Addresses {
  /** Of the control plane's API. Without a slash at its end, as all addresses here. */
  readonly controlPlaneUrl: string;
  /** The sign-in page of administrators. */
  readonly signInUrl: string;
  /** The tenants' REST API. Absent, as the sites, where only the control plane is installed. */
  readonly restApiUrl?: string;
  readonly adminSiteUrl?: string;
  readonly appSiteUrl?: string;
  /** The user pool of the administrators, and the client with which scripts sign in. */
  readonly adminPoolId: string;
  readonly automationClientId: string;
}

type Outputs = Readonly<Record<string, string>>;

/**
 * Reads the addresses in the account and region of the current credentials.
 * @param environment `main`, or the name of another environment
 * @throws DomainError NOT_FOUND if the environment is not installed there, UNAUTHENTICATED without valid credentials or a
 * region, UNAVAILABLE if a later call may succeed
 */
export async function addressesOf(environment: string): Promise<Addresses> {
  const client = new CloudFormationClient({});
  await requireRegion(client);
  const suffix = environment === 'main' ? '' : `-${environment}`;
  const control = await outputsOf(client, `controlplane-stack${suffix}`);
  if (!control) {
    const region = await client.config.region();
    throw new DomainError('NOT_FOUND', `environment '${environment}' is not installed in ${region}`);
  }
  const shared = (await outputsOf(client, `shared-infra-stack${suffix}`)) ?? {};
  return {
    controlPlaneUrl: address(control, 'controlPlaneAPIEndpoint'),
    signInUrl: control.signIn ?? '',
    adminPoolId: control.ControlPlaneIdpUserPoolId ?? '',
    automationClientId: control.AutomationClientId ?? '',
    ...(shared.restApi && { restApiUrl: address(shared, 'restApi') }),
    ...(shared.adminSite && { adminSiteUrl: address(shared, 'adminSite') }),
    ...(shared.appSite && { appSiteUrl: address(shared, 'appSite') }),
  };
}

async function requireRegion({ config }: CloudFormationClient): Promise<void> {
  try {
    await config.region();
  } catch (cause) {
    throw new DomainError('UNAUTHENTICATED', 'no AWS region: set AWS_REGION, or a region in the profile', { cause });
  }
}

/** The outputs of a stack, or undefined if there is none. */
async function outputsOf(client: CloudFormationClient, StackName: string): Promise<Outputs | undefined> {
  try {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    return Object.fromEntries((stack?.Outputs ?? []).map((one) => [one.OutputKey ?? '', one.OutputValue ?? '']));
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError' && /does not exist/.test(error.message)) return;
    throw credentialsError(error) ?? asDomainError('CloudFormation', error);
  }
}

const REFUSED =
  /^(CredentialsProviderError|ExpiredToken(Exception)?|InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|AccessDenied(Exception)?)$/;

function credentialsError(cause: unknown): DomainError | undefined {
  if (!(cause instanceof Error) || !REFUSED.test(cause.name)) return undefined;
  return new DomainError('UNAUTHENTICATED', `AWS does not accept the credentials: ${cause.name}`, { cause });
}

function address(outputs: Outputs, key: string): string {
  return (outputs[key] ?? '').replace(/\/+$/, '');
}
