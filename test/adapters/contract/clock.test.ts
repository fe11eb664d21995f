import { setTimeout as sleep } from 'node:timers/promises';
import { functionClock } from '../../../adapters/aws/clock.ts';
import { systemClock } from '../../../adapters/shared/clock.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { clockContract } from './clock.suite.ts';

clockContract('the system clock', { clock: systemClock, pass: (ms) => sleep(ms) });

clockContract('the clock of functions', { clock: functionClock, pass: (ms) => sleep(ms) });

const manual = new ManualClock();
clockContract('the manual clock of tests', { clock: manual, pass: async (ms) => manual.advance(ms) });
