import { issuerOf } from '../core/identity/issuers.ts';
import type { Runtime, ServiceStatus } from '../core/ports/runtime.ts';
import type { Isolation, TierTable } from '../core/tier/tiers.ts';
import { type StartServices, type StartTenant, startPage } from '../web/pages/start.ts';
import { operatorLink } from './operator-token.ts';
import type { Urls } from './running.ts';

export interface StartPageDeps {
  readonly urls: Urls;
  readonly runtime: Pick<Runtime, 'services'>;
  readonly tiers: TierTable;
  /** The command line as a shell on this machine calls it. It may contain a path. */
  readonly command: string;
  /** The operator's links contain it. */
  readonly operatorToken: string;
  /** Path of the file that holds the first admin's password. */
  readonly adminFile: string;
  /** The demo tenants that exist. */
  readonly demoTenants: () => Promise<readonly DemoTenant[]>;
  readonly tenantName: (tenantId: string) => Promise<string | undefined>;
  /** Which protections are missing on this machine. */
  readonly notes: readonly string[];
}

export interface DemoTenant {
  readonly tenantId: string;
  readonly name: string;
  readonly tier: keyof TierTable;
  readonly state: string;
  readonly email: string;
  readonly authServer: string;
}

const ISOLATION: Record<Isolation, string> = {
  pool: 'Shares the pooled services. Its items are stored under its own key.',
  service: 'Has its own services and data files in a shared cluster.',
  cluster: 'Has its own cluster, services, data files and user pool.',
};

/** Most rows of services on the page. */
const MAX_ROWS = 12;

/**
 * Renders the start page. Only the operator sees real tenants, paths of this machine and the mailbox; other readers see
 * what they can try.
 */
export async function renderStart(deps: StartPageDeps, isOperator: boolean): Promise<string> {
  const { urls, tiers } = deps;
  const command = isOperator ? deps.command : remoteCommand(urls.publicUrl);
  const [services, tenants] = await Promise.all([deps.runtime.services(), deps.demoTenants()]);
  const demo = new Map(tenants.map(({ tenantId, name }) => [tenantId, name]));
  const groups = groupsOf(services).filter(
    ([first]) => isOperator || first.tenantId === null || demo.has(first.tenantId),
  );
  return startPage({
    urls: {
      api: urls.api,
      controlPlane: urls.controlPlane,
      docs: `${urls.controlPlane}/docs`,
      openapi: urls.openapi,
      ...(isOperator && { mailbox: operatorLink(urls.publicUrl, '/mailbox', deps.operatorToken) }),
      adminSignIn: `${issuerOf(urls.publicUrl, 'admin')}/account`,
    },
    tenants: tenants.map(
      ({ name, tier, state, email, authServer }): StartTenant => ({
        name,
        tier: tiers[tier].title,
        isolation: ISOLATION[tiers[tier].isolation],
        state,
        served: state === 'active',
        email,
        signInUrl: `${authServer}/account`,
      }),
    ),
    services: await Promise.all(groups.slice(0, MAX_ROWS).map((group) => rowOf(group, deps.tenantName))),
    furtherServices: Math.max(0, groups.length - MAX_ROWS),
    command,
    steps: [...(isOperator ? [] : [signInStep(command)]), ...stepsFor(urls, command)],
    ...(isOperator && { adminFile: deps.adminFile, demoCommand: `${command} demo` }),
    notes: isOperator ? deps.notes : [],
  });
}

/** The command line that addresses this platform by its URL: it works on every machine. */
export function remoteCommand(publicUrl: string): string {
  return `npx tierplane --url ${publicUrl}`;
}

type Group = readonly [ServiceStatus, ...ServiceStatus[]];

/** Groups tasks by the tenant they serve. Pooled services come first. */
function groupsOf(services: readonly ServiceStatus[]): Group[] {
  const groups = new Map<string, [ServiceStatus, ...ServiceStatus[]]>();
  for (const one of services) {
    const key = `${one.cluster} ${one.tenantId ?? ''}`;
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return [...groups.values()].sort(([a], [b]) => Number(a.tenantId !== null) - Number(b.tenantId !== null));
}

async function rowOf(group: Group, nameOf: StartPageDeps['tenantName']): Promise<StartServices> {
  const [{ cluster, tenantId }] = group;
  return {
    serves: tenantId === null ? 'all pooled tenants' : ((await nameOf(tenantId)) ?? tenantId),
    cluster: cluster === `tenant-${tenantId}` ? 'its own' : cluster,
    services: group.map(({ service, tasks, desired }) => ({
      name: service,
      healthy: tasks.filter((task) => task.state === 'healthy').length,
      desired,
    })),
  };
}

/** The operator's commands sign in by themselves, with a credential in the data directory. */
function signInStep(command: string) {
  return { title: 'Sign in as an administrator', command: `${command} login` };
}

function stepsFor(urls: Urls, command: string): { title: string; command: string }[] {
  return [
    { title: 'See the tenants', command: `${command} tenants list` },
    {
      title: 'Onboard a tenant',
      command: `${command} tenants create --name Aviato --email er@aviato.example \\\n  --tier premium --admin-password 'Correct-horse-7' --wait`,
    },
    {
      title: 'Work as its user',
      command: `TOKEN=$(${command} token --tenant Aviato --user er@aviato.example --password 'Correct-horse-7')
curl -sw '\\n' ${urls.api}/products -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \\
  -d '{"name":"Espresso beans","sku":"COF-1","category":"coffee","price":{"amount":1890,"currency":"EUR"}}'
curl -sw '\\n' ${urls.api}/products -H "authorization: Bearer $TOKEN"`,
    },
    { title: 'Exceed the usage plan', command: `${command} throttle-test --tenant acme --rate 50 --seconds 3` },
  ];
}
