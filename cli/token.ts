import type { Command } from 'commander';
import { type CliContext, contextOf, examples } from './context.ts';
import { CliError } from './exit-codes.ts';
import { printJson, printLine } from './output.ts';
import { accessTo } from './platform-access.ts';
import { signInTenantUser, signInTenantUserByDevice } from './tenant-sign-in.ts';

interface TokenOptions {
  readonly admin?: boolean;
  readonly tenant?: string;
  readonly user?: string;
  readonly password?: string;
}

export function addTokenCommand(program: Command): void {
  program
    .command('token')
    .description('print an access token for curl and scripts')
    .option('--admin', "an operator's token: of the data directory, the profile or TIERPLANE_CLIENT_ID")
    .option('--tenant <tenant>', "a token of this tenant's user, who signs in with a browser")
    .option('--user <email>', 'sign this user in without a browser; needs a password')
    .option('--password <password>', "the user's password; default: TIERPLANE_PASSWORD")
    .addHelpText(
      'after',
      examples(
        'token --admin',
        'token --tenant acme',
        'token --tenant acme --user admin@acme.example --password "S3cret-pass!"',
      ),
    )
    .action(async (options: TokenOptions, command: Command) => {
      const context = contextOf(command);
      if (options.admin && (options.tenant || options.user)) {
        throw new CliError('usage', 'give --admin, or --tenant with --user and --password, not both');
      }
      const accessToken = options.admin ? await (await accessTo(context)).token() : await tenantToken(context, options);
      if (context.json) printJson({ accessToken });
      else printLine(accessToken);
    });
}

async function tenantToken(context: CliContext, options: TokenOptions): Promise<string> {
  const password = options.password ?? process.env.TIERPLANE_PASSWORD;
  const { tenant, user } = options;
  if (tenant && user && password) return signInTenantUser(context, tenant, user, password);
  if (tenant && !user && !options.password) return signInTenantUserByDevice(context, tenant);
  throw new CliError('usage', usageOf(tenant, user, password), {
    hint: `\`${context.tierplane} demo\` shows users to try`,
  });
}

function usageOf(tenant: string | undefined, user: string | undefined, password: string | undefined): string {
  const missing = Object.entries({ '--tenant': tenant, '--user': user, '--password': password })
    .filter(([, value]) => !value)
    .map(([name]) => name);
  return missing.length === 3
    ? 'give --admin, or --tenant with --user and --password'
    : `--tenant, --user and --password go together; missing: ${missing.join(', ')}`;
}
