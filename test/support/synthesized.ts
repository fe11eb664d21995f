import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { cpuSecondsIn, PRINT_CPU_TIME } from './cpu-time.ts';

const ROOT = join(import.meta.dirname, '../..');

// biome-ignore lint/suspicious/noExplicitAny: tests read templates as plain JSON
type Properties = any;

export interface TemplateResource {
  readonly id: string;
  readonly Type: string;
  readonly Properties: Properties;
  readonly DeletionPolicy?: string;
}

/** The result of a CDK app. Its folder is removed after the suite. */
export class Synthesized {
  readonly folder: string;

  /** Processor time of the app and its children, in seconds. A busy machine does not change it much. */
  readonly cpuSeconds: number;

  private constructor(folder: string, cpuSeconds: number) {
    this.folder = folder;
    this.cpuSeconds = cpuSeconds;
  }

  /**
   * Runs a CDK app in a process of its own, because Jest loads CDK slowly.
   * @param program path from the project's root
   * @throws with the app's stderr if it fails
   */
  static of(program: string, context: Readonly<Record<string, string>> = {}): Synthesized {
    const folder = mkdtempSync(join(tmpdir(), 'tierplane-cdk-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    const env = {
      ...{ PATH: process.env.PATH, JSII_DEPRECATED: 'quiet', NODE_NO_WARNINGS: '1' },
      CDK_OUTDIR: folder,
      CDK_CONTEXT_JSON: JSON.stringify(context),
    };
    const { status, stderr } = spawnSync(process.execPath, ['--import', PRINT_CPU_TIME, program], {
      ...{ cwd: ROOT, env },
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    return new Synthesized(folder, cpuSecondsIn(stderr));
  }

  /** The resources of a stack, of one type if it is named. */
  resources(stack: string, type?: string): TemplateResource[] {
    const all = Object.entries<Omit<TemplateResource, 'id'>>(this.template(stack).Resources);
    return all.map(([id, one]) => ({ id, ...one })).filter(({ Type }) => type === undefined || Type === type);
  }

  template(stack: string): Properties {
    return JSON.parse(readFileSync(join(this.folder, `${stack}.template.json`), 'utf8'));
  }

  /** The rows of cdk-nag's report on a stack. */
  nagRows(stack: string): string[] {
    return readFileSync(join(this.folder, `AwsSolutions--${stack}-NagReport.csv`), 'utf8')
      .split('\n')
      .slice(1);
  }
}
