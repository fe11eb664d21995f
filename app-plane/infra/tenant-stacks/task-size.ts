import type { TaskSize } from '../../../core/tier/tiers.ts';

/** What AWS reserves for a task. */
export interface FargateSize {
  /** 1024 units are one vCPU. */
  readonly cpu: number;
  readonly memoryMiB: number;
}

/**
 * The sizes of Fargate: CPU units, least and most memory, and the step between, in MiB.
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
 */
const SIZES: readonly { cpu: number; min: number; max: number; step: number }[] = [
  { cpu: 256, min: 512, max: 512, step: 512 },
  { cpu: 256, min: 1_024, max: 2_048, step: 1_024 },
  { cpu: 512, min: 1_024, max: 4_096, step: 1_024 },
  { cpu: 1_024, min: 2_048, max: 8_192, step: 1_024 },
  { cpu: 2_048, min: 4_096, max: 16_384, step: 1_024 },
  { cpu: 4_096, min: 8_192, max: 30_720, step: 1_024 },
];

/** The tier's CPU share is a limit, while Fargate reserves, and charges for, what a task gets. */
const UNITS_PER_CORE = 256;
/** Of a task of ingress, and of its container in a task with all services. */
export const INGRESS_SIZE: FargateSize = { cpu: 256, memoryMiB: 512 };
const INGRESS_MEMORY_MIB = 128;

/** The size of a task of one service. */
export function serviceTaskSize({ cpu, memoryMiB }: Pick<TaskSize, 'cpu' | 'memoryMiB'>): FargateSize {
  return fargateSize(cpu * UNITS_PER_CORE, memoryMiB);
}

/** The size of a task with all services, which share the CPU of one, and with ingress. */
export function oneTaskSize({ cpu, memoryMiB }: Pick<TaskSize, 'cpu' | 'memoryMiB'>, services: number): FargateSize {
  return fargateSize(cpu * UNITS_PER_CORE, services * memoryMiB + INGRESS_MEMORY_MIB);
}

/** The smallest size of Fargate that has this much; its largest if none does. */
function fargateSize(cpu: number, memoryMiB: number): FargateSize {
  for (const size of SIZES) {
    const steps = Math.max(0, Math.ceil((memoryMiB - size.min) / size.step));
    const memory = size.min + steps * size.step;
    if (size.cpu >= cpu && memory <= size.max) return { cpu: size.cpu, memoryMiB: memory };
  }
  return { cpu: 4_096, memoryMiB: 30_720 };
}
