import { missingPython } from '../../rehearsal/python-environment.ts';
import { describeUnless } from './requirements.ts';

/** A suite that needs Python, for the emulated account or the linter. */
export function describeWithPython(title: string, suite: () => void): void {
  describeUnless(missingPython(), title, suite);
}
