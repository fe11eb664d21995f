import { rmSync } from 'node:fs';
import type { TierName } from '../core/tier/tiers.ts';
import { type DataDir, readJson, writePrivate } from './data-dir.ts';

/** The demo tenants, one per tier. Each platform creates its own passwords for their admins. */
export const DEMO_TENANTS: readonly { name: string; tier: TierName; email: string }[] = [
  { name: 'acme', tier: 'basic', email: 'admin@acme.example' },
  { name: 'globex', tier: 'advanced', email: 'admin@globex.example' },
  { name: 'initech', tier: 'premium', email: 'admin@initech.example' },
];

/** The next step for a demo tenant: register it, then create its products and an order. */
export type DemoStep = 'register' | 'stock';

/** The next step of each demo tenant that is not finished, by tenant name. */
export type DemoSteps = Readonly<Record<string, DemoStep>>;

const ALL: DemoSteps = Object.fromEntries(DEMO_TENANTS.map(({ name }) => [name, 'register']));

type Marker = Pick<DataDir, 'demoPending'>;

/** Requests all demo tenants. This start creates them, or a later one continues. */
export function requestDemo({ demoPending }: Marker): void {
  writePrivate(demoPending, ALL);
}

/** What is left to do; empty if nothing is. Reads the file, because a start and `tierplane demo` may run at once. */
export function demoProgress({ demoPending }: Marker): DemoSteps {
  const left = readJson<DemoSteps | true>(demoPending) ?? {};
  // An earlier version wrote `true` for the whole demo.
  return left === true ? ALL : left;
}

/** Whether no demo tenant has been begun. */
export function isWhole(left: DemoSteps): boolean {
  return DEMO_TENANTS.every(({ name }) => left[name] === 'register');
}

/** Records a tenant's next step, or that it is finished (undefined). Removes the file with the last tenant. */
export function recordDemoStep({ demoPending }: Marker, name: string, step: DemoStep | undefined): void {
  const others = Object.entries(demoProgress({ demoPending })).filter(([other]) => other !== name);
  const left = [...others, ...(step ? [[name, step] as const] : [])];
  if (left.length === 0) rmSync(demoPending, { force: true });
  else writePrivate(demoPending, Object.fromEntries(left));
}
