import { parseArgs } from 'node:util';
import { messageOf } from '../../core/errors.ts';
import { missingContainerEngine } from '../container-engine.ts';
import { missingPython } from '../python-environment.ts';
import { runSteps } from '../run-steps.ts';
import { rehearseTask } from './steps.ts';

/**
 * `npm run aws:task`: runs our products service as an ECS task in an emulated account on this machine, with permissions
 * enforced. Exits with 0 if every step succeeds, with 1 if one fails or this machine lacks something, with 2 for a wrong
 * option, and with 128 plus the signal's number after a signal. No container, image, address, process or file remains.
 */
const HELP = `Usage: npm run aws:task [-- OPTIONS]

Builds the images of our services and of ingress, starts an emulated AWS account on
this machine with permissions enforced, and runs the products service in it as an ECS
task of one tenant. Shows the product list, the tenant's session that read it, and how
DynamoDB refuses the same container another tenant's key. Leaves nothing behind.

Needs Linux, root, Python 3.10 with venv, and Docker, or podman with runc, netavark
and iptables.

Options:
  --json  print the results as JSON on stdout; progress goes to stderr
  --keep  keep the account after the last step, until Ctrl-C
  --help  show this help
`;

const OPTIONS = {
  json: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

async function main(): Promise<void> {
  const { json, keep, help } = parseArgs({ options: OPTIONS }).values;
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  const missing = [missingPython(), missingContainerEngine()].filter((reason) => reason !== undefined);
  if (missing.length > 0) {
    process.stderr.write(`this machine cannot run ECS tasks:\n${missing.map((reason) => `  ${reason}\n`).join('')}`);
    process.exitCode = 1;
    return;
  }
  await runSteps({ steps: rehearseTask, containers: true, json, keep });
}

try {
  await main();
} catch (error) {
  if (!(error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))) throw error;
  process.stderr.write(`${messageOf(error)}\n${HELP}`);
  process.exitCode = 2;
}
