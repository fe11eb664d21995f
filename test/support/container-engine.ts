import { missingPodman } from '../../rehearsal/podman.ts';
import { describeUnless } from './requirements.ts';

/** A suite that needs podman, runc, netavark and iptables, as root. */
export function describeWithPodman(title: string, suite: () => void): void {
  describeUnless(missingPodman(), title, suite);
}
