import { readSettings } from '../../infra/configuration.ts';

/** `node scripts/aws/image-platform.ts`: prints the platform of the images, by the processor architecture in aws.json. */
const { configuration } = readSettings(() => undefined);
process.stdout.write(configuration.cpuArchitecture === 'ARM64' ? 'linux/arm64' : 'linux/amd64');
