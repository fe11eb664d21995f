import { parseArgs } from 'node:util';
import { missingContainerEngine } from '../container-engine.ts';
import { runSteps } from '../run-steps.ts';
import { rehearse } from '../steps.ts';
import { rehearseProduct } from './steps.ts';

/**
 * `npm run aws:rehearse [-- --json] [-- --only control-plane]`: installs the whole product, with containers, or the control
 * plane alone, into an emulated account on this machine and uses it, with permissions enforced. Exits with 0 if every step
 * succeeds, with 1 otherwise, and with 128 plus the signal's number after a signal. No process and no file remains.
 */
const { json, only } = parseArgs({
  options: { json: { type: 'boolean', default: false }, only: { type: 'string', default: 'product' } },
}).values;
if (only !== 'control-plane' && only !== 'product') {
  process.stderr.write(`--only must be control-plane or product, got '${only}'\n`);
  process.exit(2);
}
const missing = only === 'product' ? missingContainerEngine() : undefined;
if (missing !== undefined) {
  const advice = '`npm run aws:rehearse -- --only control-plane` needs no containers';
  process.stderr.write(`this machine cannot run the product: ${missing}; ${advice}\n`);
  process.exit(1);
}
if (only === 'product') await runSteps({ steps: rehearseProduct, containers: true, json });
else await runSteps({ steps: rehearse, json });
