import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { systemClock } from '../../adapters/shared/clock.ts';
import { CONFIG_EXIT_CODE, isDomainError, messageOf } from '../../core/errors.ts';
import { createIngress } from './app.ts';
import { type IngressConfig, readConfig } from './config.ts';

/**
 * Entry point of an ingress task. Reads its configuration from the environment, listens on every interface, and drains on
 * SIGTERM. ECS ends a task 30 s after SIGTERM. Exits with 78 if the environment is invalid.
 */
const DRAIN_MS = 25_000;

const log = pino({
  base: { service: 'ingress' },
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (level) => ({ level }) },
});

function readConfigOrExit(): IngressConfig {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!isDomainError(error, 'CONFIG')) throw error;
    process.stderr.write(`ingress: ${error.message}\n`);
    process.exit(CONFIG_EXIT_CODE);
  }
}

const config = readConfigOrExit();
const { server, drain } = createIngress({ config, log, clock: systemClock });
server.once('error', (error) => {
  log.fatal({ reason: messageOf(error) }, 'ingress cannot listen');
  process.exit(1);
});
server.listen({ host: '0.0.0.0', port: config.port, backlog: 1_024 }, () => {
  log.info({ port: (server.address() as AddressInfo).port, services: config.services }, 'ready');
});
process.once('SIGTERM', () => {
  log.info({}, 'draining');
  void drain(DRAIN_MS).then(() => process.exit(0));
});
