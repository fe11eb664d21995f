'use strict';
/**
 * Preloaded into a function of the emulated account: kills its process with SIGKILL, as Lambda does with a function that has
 * crashed, when the response to the n-th call of AWS for a tenant has arrived. The call has had its effect, and nothing after
 * it happens. The tenant's id names the function and n: `kill<function>0...0<n>x`. The function must work on one message at a
 * time, so that a call which names no tenant belongs to the tenant of the call before.
 *
 * KILL_FOLDER has a file with the tenant's id for each tenant for which the function was killed, once, and a file
 * `<id>.calls` with one character for each call, of all processes of the function.
 */
const { appendFileSync, statSync, writeFileSync } = require('node:fs');
const http = require('node:http');
const { join } = require('node:path');

const { KILL_FUNCTION = '', KILL_FOLDER = '' } = process.env;
const TENANT = /kill([a-z]+)0+(\d+)x/;
const request = http.request;
let tenant;

function notice(text) {
  const [id, functionName, call] = TENANT.exec(text) ?? [];
  if (id !== undefined) tenant = { id, killAt: functionName === KILL_FUNCTION ? Number(call) : undefined };
}

function countResponse() {
  if (tenant?.killAt === undefined) return;
  const mark = join(KILL_FOLDER, tenant.id);
  const calls = `${mark}.calls`;
  appendFileSync(calls, '.');
  if (statSync(calls).size < tenant.killAt) return;
  try {
    writeFileSync(mark, '', { flag: 'wx' });
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
