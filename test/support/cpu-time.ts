/**
 * Import it into a process, by `--import`: the process prints, as it exits, the processor time that it and its children took.
 * `cpuSecondsIn` reads it.
 */
export const PRINT_CPU_TIME = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs';
  process.on('exit', () => {
    const own = process.cpuUsage();
    const ofAll = () => readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ').slice(11, 15).reduce((sum, one) => sum + Number(one), 0);
    console.error('cpu', process.platform === 'linux' ? ofAll() : (own.user + own.system) / 1e4);
  });
`)}`;

/** @param stderr what the process printed. @returns seconds */
export function cpuSecondsIn(stderr: string): number {
  const [, hundredths] = /^cpu ([\d.]+)$/m.exec(stderr) ?? [];
  if (hundredths === undefined) throw new Error('the process printed no processor time');
  return Number(hundredths) / 100;
}
