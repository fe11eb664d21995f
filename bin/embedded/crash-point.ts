/**
 * Test mode only: TIERPLANE_CRASH_AT=<n> kills this process (kill -9, as a power cut would) at the n-th checkpoint that
 * the provisioner passes on its way with the first tenant it accepts a request for. Without TIERPLANE_TEST_MODE=1 it is
 * not heeded.
 */
export function checkpointFromEnvironment(): ((name: string, tenantId: string) => void) | undefined {
  const at = Number(process.env.TIERPLANE_CRASH_AT);
  if (process.env.TIERPLANE_TEST_MODE !== '1' || !Number.isInteger(at) || at < 1) return undefined;
  let watched: string | undefined;
  let passed = 0;
  return (name, tenantId) => {
    if (name === 'accept') watched ??= tenantId;
    if (tenantId !== watched) return;
    passed += 1;
    if (passed === at) process.kill(process.pid, 'SIGKILL');
  };
}
