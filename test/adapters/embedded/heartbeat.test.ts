import { describe, expect, test } from '@jest/globals';
import { Heartbeat } from '../../../adapters/embedded/heartbeat.ts';
import { restartDelayMs } from '../../../adapters/embedded/runtime/supervisor/restart-delay.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function watched(respond: (heartbeat: () => Heartbeat) => void) {
  const clock = new ManualClock();
  const counts = { pings: 0, hung: 0 };
  const heartbeat: Heartbeat = new Heartbeat({
    clock,
    ping: () => {
      counts.pings += 1;
      respond(() => heartbeat);
    },
    hung: () => {
      counts.hung += 1;
    },
  });
  return { clock, counts, heartbeat };
}

describe('a heartbeat', () => {
  test('asks every half second, and a process that responds never counts as hung', () => {
    const { clock, counts, heartbeat } = watched((self) => self().beat());
    heartbeat.start();
    clock.advance(60_000);
    expect(counts).toEqual({ pings: 120, hung: 0 });
  });

  test('reports a silent process once, within four seconds', () => {
    const { clock, counts, heartbeat } = watched(() => undefined);
    heartbeat.start();
    clock.advance(3_000);
    expect(counts.hung).toBe(0);
    clock.advance(1_000);
    expect(counts.hung).toBe(1);
    clock.advance(60_000);
    expect(counts).toEqual({ pings: 6, hung: 1 });
  });

  test('OB-5: reports a hang 3.5 s after it began at the latest, and the first restart waits for nothing, so that 1.5 of the 5 s of a replacement remain for the start', () => {
    for (let beganMs = 0; beganMs < 1_000; beganMs += 10) {
      let responds = true;
      const { clock, counts, heartbeat } = watched((self) => responds && self().beat());
      heartbeat.start();
      clock.advance(1_000 + beganMs);
      responds = false;
      clock.advance(3_500);
      expect(counts.hung).toBe(1);
    }
    expect([0, 0.5, 0.999].map((chance) => restartDelayMs(1, chance))).toEqual([0, 0, 0]);
  });

  test('does not blame the process for the time in which this one was stopped', () => {
    const { clock, counts, heartbeat } = watched(() => undefined);
    heartbeat.start();
    clock.advance(1_000);
    // A stopped process runs one timer when it continues, however late.
    clock.skip();
    heartbeat.beat();
    clock.advance(2_500);
    expect(counts.hung).toBe(0);
  });

  test('asks nothing before its start and after its stop', () => {
    const { clock, counts, heartbeat } = watched(() => undefined);
    clock.advance(10_000);
    heartbeat.start();
    clock.advance(500);
    heartbeat.stop();
    clock.advance(60_000);
    expect(counts).toEqual({ pings: 1, hung: 0 });
  });
});
