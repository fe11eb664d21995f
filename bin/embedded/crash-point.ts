/**
 * Test mode only: TIERPLANE_CRASH_AT=<n> kills this process (kill -9) at the n-th checkpoint of the provisioner, as a
 * power cut would. Without TIERPLANE_TEST_MODE=1 it is not heeded.
 */
export function checkpointFromEnvironment(): (() => void) | undefined {
  const at = Number(process.env.TIERPLANE_CRASH_AT);
  if (process.env.TIERPLANE_TEST_MODE !== '1' || !Number.isInteger(at) || at < 1) return undefined;
  let passed = 0;
  return () => {
    passed += 1;
    if (passed === at) process.kill(process.pid, 'SIGKILL');
  };
}
