import { format } from 'node:util';
import { expect } from 'expect';
import { type Body, type Hook, Suite } from './suite.ts';

/** What the tests import as `@jest/globals`: the functions of Jest that this project uses, which collect into a suite. */
type Add = (name: string, body: Body, timeout?: number) => void;
type RowBody = (...row: readonly unknown[]) => unknown;

const DEFAULT_TIMEOUT_MS = 30_000;

/** The tests of the file that is being loaded. */
export interface TestFile {
  readonly root: Suite;
  /** A test's limit, as the file sets it with `jest.setTimeout`. */
  timeoutMs: number;
}

let file: TestFile = { root: new Suite(''), timeoutMs: DEFAULT_TIMEOUT_MS };
let suite = file.root;

/** Starts collecting the tests of the next file. */
export function beginFile(): TestFile {
  file = { root: new Suite(''), timeoutMs: DEFAULT_TIMEOUT_MS };
  suite = file.root;
  return file;
}

const addTest: Add = (name, body, timeout) => {
  suite.children.push({ name, body, timeout });
};

const addSuite: Add = (name, body) => {
  const outer = suite;
  suite = new Suite(name);
  outer.children.push(suite);
  body();
  suite = outer;
};

const skip = () => undefined;

function eachRow(add: Add) {
  return (rows: readonly unknown[]) => (name: string, body: RowBody, timeout?: number) => {
    for (const value of rows) {
      const row: readonly unknown[] = Array.isArray(value) ? value : [value];
      const used = name.match(/%[a-z]/g)?.length ?? 0;
      add(format(name.replaceAll('%p', '%j'), ...row.slice(0, used)), () => body(...row), timeout);
    }
  };
}

function hook(name: Hook) {
  return (body: Body) => {
    suite.hooks[name].push(body);
  };
}

export const test = Object.assign(addTest, { each: eachRow(addTest), skip });
export const describe = Object.assign(addSuite, { each: eachRow(addSuite), skip });
export const beforeAll = hook('beforeAll');
export const beforeEach = hook('beforeEach');
export const afterEach = hook('afterEach');
export const afterAll = hook('afterAll');
export const jest = {
  setTimeout: (ms: number) => {
    file.timeoutMs = ms;
  },
};
export { expect };
