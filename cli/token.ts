import type { Command } from 'commander';
import { type CliContext, contextOf, examples, requireRunning } from './context.ts';
import { ControlPlane, signInOrFail } from './control-plane.ts';
import { CliError } from './exit-codes.ts';
import { printJson, printLine } from './output.ts';

interface TokenOptions {
  readonly admin?: boolean;
  readonly tenant?: string;
  readonly user?: string;
  readonly password?: string;
}

export function addTokenCommand(program: Command): void {
  program
    .command('token')
    .description('an access token, got by a real sign-in (OIDC, code + PKCE); prints nothing else')
    .option('--admin', "the first admin's, or TIERPLANE_ADMIN_EMAIL's")
    .option('--tenant <tenant>', 'a user of this tenant')
    .option('--user <email>', 'whose')
    .option('--password <password>', 'or TIERPLANE_PASSWORD')
    .addHelpText(
      'after',
      examples('token --admin', 'token --tenant acme --user admin@acme.example --password "S3cret-pass!"'),
    )
    .action(async (options: TokenOptions, command: Command) => {
      const context = contextOf(command);
      if (options.admin && (options.tenant || options.user)) {
        throw new CliError('usage', 'give --admin, or --tenant with --user and --password, not both');
      }
      const accessToken = options.admin ? await new ControlPlane(context).token() : await tenantToken(context, options);
      if (context.json) printJson({ accessToken });
      else printLine(accessToken);
    });
}

async function tenantToken(context: CliContext, options: TokenOptions): Promise<string> {
  const password = options.password ?? process.env.TIERPLANE_PASSWORD;
  const { tenant, user } = options;
  if (tenant && user && password) return signInAsTenant(context, tenant, user, password);
  const missing = Object.entries({ '--tenant': tenant, '--user': user, '--password': password })
    .filter(([, value]) => !value)
    .map(([name]) => name);
  throw new CliError(
    'usage',
    missing.length === 3
      ? 'give --admin, or --tenant with --user and --password'
      : `--tenant, --user and --password go together; missing: ${missing.join(', ')}`,
    { hint: `\`${context.tierplane} demo\` shows users to try` },
  );
}

/** A tenant user's access token; the tenant's realm comes from its public configuration. */
export async function signInAsTenant(
  context: CliContext,
  tenant: string,
  user: string,
  password: string,
): Promise<string> {
  const { urls } = requireRunning(context);
  const response = await fetch(`${urls.controlPlane}/tenant-config/${encodeURIComponent(tenant)}`);
  if (response.status === 404) {
    throw new CliError('refused', `no active tenant is called '${tenant}'`, {
      hint: `\`${context.tierplane} tenants list\` shows them all with their states`,
    });
  }
  if (!response.ok) throw new CliError('failed', `the tenant's configuration answered ${response.status}`);
  const { authServer } = (await response.json()) as { authServer: string };
  const whereFound = `\`${context.tierplane} demo\` shows the demo users; others have what they chose, or an invitation in the mail`;
  const tokens = await signInOrFail({ issuer: authServer, userName: user, password, scope: 'openid' }, whereFound);
  return tokens.accessToken;
}
