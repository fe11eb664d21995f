import { describe, expect, test } from '@jest/globals';
import { Heartbeat } from '../../../adapters/embedded/heartbeat.ts';
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
