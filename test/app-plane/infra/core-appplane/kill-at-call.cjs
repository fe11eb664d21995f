'use strict';
/**
 * Preloaded into a function of the emulated account: kills its process with SIGKILL, as Lambda does with a function that has
 * crashed, when the response to its n-th call of AWS for a tenant has arrived. The call has had its effect, and nothing after
 * it happens. The tenant's id names the function and n: `kill<function>0...0<n>x`. Once per tenant: a file in KILL_FOLDER
 * with the tenant's id marks that it has happened.
 */
const { writeFileSync } = require('node:fs');
const http = require('node:http');
const { join } = require('node:path');

const { KILL_FUNCTION = '', KILL_FOLDER = '' } = process.env;
const TENANT = new RegExp(`kill${KILL_FUNCTION}0+(\\d+)x`);
const request = http.request;
let tenantId;
let killAt = 0;
let calls = 0;

function notice(text) {
  const found = TENANT.exec(text);
  if (found === null || found[0] === tenantId) return;
  [tenantId, killAt, calls] = [found[0], Number(found[1]), 0];
}

function countResponse() {
  if (tenantId === undefined) return;
  calls += 1;
  if (calls !== killAt) return;
  try {
    writeFileSync(join(KILL_FOLDER, tenantId), '', { flag: 'wx' });
  } catch {
    return;
  }
  process.kill(process.pid, 'SIGKILL');
}

http.request = (...args) => {
  const outgoing = request(...args);
  const end = outgoing.end;
  outgoing.end = (body, ...rest) => {
    notice(`${outgoing.path} ${body === undefined ? '' : Buffer.from(body).toString('latin1')}`);
    return end.call(outgoing, body, ...rest);
  };
  outgoing.prependOnceListener('response', countResponse);
  return outgoing;
};
