import { parseArgs } from 'node:util';
import { runSteps } from './run-steps.ts';
import { rehearse } from './steps.ts';

/**
 * `npm run aws:rehearse [-- --json]`: installs the AWS home into an emulated account on this machine and uses it, with
 * permissions enforced. Exits with 0 if every step succeeds, with 1 otherwise, and with 128 plus the signal's number after
 * a signal. No process and no file remains.
 */
const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
await runSteps({ steps: rehearse, json: values.json });
