import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Probe, TierTable } from '../control-plane/api/operator/schemas.ts';
import type { Tenant } from '../control-plane/api/tenants/responses.ts';
import type { UsagePlan } from '../core/tier/tiers.ts';
import { addressesOnAws } from './aws.ts';
import { type CliContext, contextOf, examples, wholeNumber } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { CliError, EXIT } from './exit-codes.ts';
import { interruptible } from './interrupt.ts';
import { note, printFields, printJson } from './output.ts';
import { isLoopback } from './sign-in/request.ts';
import { apiOfTenant, signInTenantUser } from './tenant-sign-in.ts';

/** How often progress is reported, in milliseconds. */
const REPORT_EVERY_MS = 5_000;

/** The result of a run, beside what the tenant's usage plan admits. */
export interface ThrottleReport {
  readonly tenant: string;
  readonly tier: string;
  readonly plan: UsagePlan;
  readonly sent: number;
  readonly ok: number;
  readonly throttled: number;
  readonly otherStatuses: Record<string, number>;
  readonly seconds: number;
  readonly offeredRate: number;
  readonly admittedRate: number;
  /** burst + rate x seconds, at most the requests sent and the day's quota. */
  readonly expectedOk: number;
  /** (ok - expectedOk) / expectedOk, in percent. */
  readonly deviationPercent: number;
  readonly withinThreePercent: boolean;
}

interface Options {
  readonly tenant: string;
  readonly rate: number;
  readonly seconds: number;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}

export function addThrottleTestCommand(program: Command): void {
  program
    .command('throttle-test')
    .description('send a steady load as one tenant and compare the admitted requests with its usage plan')
    .requiredOption('--tenant <tenant>', 'name or id of the tenant')
    .option('--rate <perSecond>', 'requests per second', wholeNumber('--rate', 1, 2_000), 50)
    .option('--seconds <seconds>', 'duration', wholeNumber('--seconds', 1, 120), 10)
    .option('--user <email>', 'sign in as this user; default: a temporary user without access to data')
    .option('--password <password>', "the user's password")
    .option('--token <token>', 'access token of any user of the tenant; default: TIERPLANE_TENANT_TOKEN')
    .addHelpText(
      'after',
      examples(
        'throttle-test --tenant acme --rate 50 --seconds 5',
        'throttle-test --aws --tenant acme --token "$TOKEN"',
      ),
    )
    .action(async (options: Options, command: Command) => {
      const context = contextOf(command);
      const report = await interruptible((interrupted) => throttleTest(context, options, interrupted));
      if (context.json) printJson(report);
      else show(report);
      // API Gateway applies its limits on a best-effort basis.
      const isGood = context.target.kind === 'aws' ? report.ok > 0 : report.withinThreePercent;
      if (!isGood) process.exitCode = EXIT.failed;
    });
}

async function throttleTest(context: CliContext, options: Options, interrupted: AbortSignal): Promise<ThrottleReport> {
  if ((options.user === undefined) !== (options.password === undefined)) {
    throw new CliError('usage', '--user and --password go together; without both a temporary user is made');
  }
  const controlPlane = await ControlPlane.open(context);
  const tenant = await controlPlane.tenant(options.tenant);
  const api = await apiOf(context, controlPlane, tenant);
  const { data: tiers } = await controlPlane.call<{ data: TierTable }>('GET', '/operator/tiers');
  const plan = tiers[tenant.tier]?.usagePlan;
  if (!plan) throw new CliError('failed', `the platform has no tier '${tenant.tier}'`);
  return withToken(context, controlPlane, tenant, options, async (token) => {
    note(`${options.rate} requests/s for ${options.seconds} s as ${tenant.tenantName} ...`);
    const statuses = await sendLoad(`${api}/products/openapi.json`, token, options, interrupted);
    if (interrupted.aborted) throw new CliError('interrupted', 'interrupted; there is no report');
    return reportOf(tenant.tenantName, tenant.tier, plan, statuses, options);
  });
}

/** Runs `use` with a token of the tenant: the given one, that of the given user, or that of a temporary user. */
async function withToken<T>(
  context: CliContext,
  controlPlane: ControlPlane,
  { tenantId, slug }: Tenant,
  { user, password, token = process.env.TIERPLANE_TENANT_TOKEN }: Options,
  use: (token: string) => Promise<T>,
): Promise<T> {
  if (user && password) return use(await signInTenantUser(context, slug, user, password));
  if (token) return use(token);
  if (context.target.kind === 'aws') {
    throw new CliError('usage', 'on AWS, give the access token of a user of the tenant with --token');
  }
  const probePath = `/operator/tenants/${tenantId}/probe`;
  const { data: probe } = await controlPlane.call<{ data: Probe }>('POST', probePath);
  try {
    return await use(await signInTenantUser(context, slug, probe.userName, probe.password));
  } finally {
    await controlPlane.call('DELETE', probePath);
  }
}

/** The tenant's API. Load must not reach another machine, except with --aws the caller's own installation. Throws usage. */
async function apiOf(context: CliContext, { access }: ControlPlane, { slug }: Tenant): Promise<string> {
  const { target } = context;
  if (target.kind === 'aws') {
    const { restApiUrl } = await addressesOnAws(target.environment);
    const apiUrl = await apiOfTenant(context, slug);
    if (restApiUrl !== undefined && apiUrl?.startsWith(`${restApiUrl}/`)) return apiUrl;
    throw new CliError('usage', `the API of the tenant must be below ${restApiUrl}, got ${apiUrl}`);
  }
  if (access.apiUrl !== undefined && isLoopback(new URL(access.apiUrl).hostname)) return access.apiUrl;
  throw new CliError('usage', `throttle-test sends load to this machine only, not to ${access.name}`, {
    hint: 'with --aws it uses the installation in your AWS account',
  });
}

/** Open loop: request n is sent at n / rate seconds, whatever the outcome of those before it. */
async function sendLoad(
  url: string,
  token: string,
  { rate, seconds }: Options,
  interrupted: AbortSignal,
): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  const total = rate * seconds;
  const start = performance.now();
  const pending: Promise<void>[] = [];
  let noted = 0;
  for (let sent = 0; sent < total && !interrupted.aborted; ) {
    const due = Math.min(total, Math.floor(((performance.now() - start) / 1000) * rate) + 1);
    for (; sent < due; sent++) pending.push(sendOne(url, token, statuses));
    const elapsed = Math.floor((performance.now() - start) / REPORT_EVERY_MS);
    if (elapsed > noted) {
      noted = elapsed;
      note(`  … ${sent} sent, ${statuses.get(429) ?? 0} throttled so far`);
    }
    await wait(1);
  }
  await Promise.all(pending);
  return statuses;
}

async function sendOne(url: string, token: string, statuses: Map<number, number>): Promise<void> {
  const status = await fetch(url, { headers: { authorization: `Bearer ${token}` } }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status;
    },
    () => 0,
  );
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
}

function reportOf(
  tenant: string,
  tier: string,
  plan: UsagePlan,
  statuses: Map<number, number>,
  options: Options,
): ThrottleReport {
  const { rate, seconds } = options;
  const sent = rate * seconds;
  const ok = [...statuses].reduce((sum, [status, count]) => (status >= 200 && status < 300 ? sum + count : sum), 0);
  const throttled = statuses.get(429) ?? 0;
  const others = [...statuses].filter(([status]) => status !== 429 && (status < 200 || status >= 300));
  const expectedOk = Math.min(sent, Math.round(plan.burst + plan.rate * seconds), plan.quotaPerDay);
  const deviationPercent = Math.round(((ok - expectedOk) / expectedOk) * 1000) / 10;
  return {
    tenant,
    tier,
    plan,
    sent,
    ok,
    throttled,
    otherStatuses: Object.fromEntries(
      others.map(([status, count]) => [status === 0 ? 'no response' : String(status), count]),
    ),
    seconds,
    offeredRate: rate,
    admittedRate: Math.round((ok / seconds) * 10) / 10,
    expectedOk,
    deviationPercent,
    withinThreePercent: Math.abs(ok - expectedOk) <= Math.max(1, expectedOk * 0.03),
  };
}

function show(report: ThrottleReport): void {
  const { plan } = report;
  printFields({
    tenant: `${report.tenant} (${report.tier})`,
    plan: `${plan.rate} requests/s, burst ${plan.burst}, ${plan.quotaPerDay} a day`,
    sent: `${report.sent} in ${report.seconds} s (${report.offeredRate}/s)`,
    served: `${report.ok} (2xx, ${report.admittedRate}/s); the plan admits ${report.expectedOk}`,
    throttled: `${report.throttled} (429)`,
    others: Object.entries(report.otherStatuses)
      .map(([status, count]) => `${status}: ${count}`)
      .join(', '),
    deviation: `${report.deviationPercent} %, ${report.withinThreePercent ? 'within' : 'outside'} 3 % of the plan`,
  });
}
