import { pooled, silo, startPlatform } from '../embedded/runtime/platform.ts';
import { runtimeContract } from './runtime.suite.ts';

const SERVICES = { first: 'echo', second: 'other' };

runtimeContract('the embedded supervisor', async () => {
  const platform = await startPlatform();
  return {
    runtime: platform.runtime,
    spec: (tenantId, service) =>
      tenantId === null ? pooled({ service: SERVICES[service] }) : silo(tenantId, { service: SERVICES[service] }),
    close: platform.remove,
  };
});
