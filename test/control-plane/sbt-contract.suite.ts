import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Answer, Body, CallOptions } from './home.ts';

interface Step {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly auth: string;
    readonly body?: unknown;
    readonly headers?: Record<string, string>;
  };
  readonly answer: { readonly status: number; readonly contentType: string; readonly body: Body };
}

export interface Event {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Record<string, unknown>;
}

/** A row of the table in docs/sbt-contract.md. */
interface Difference {
  readonly step: string;
  readonly sbt: string;
  readonly ours: string;
}

/** A control plane of either home, with an admin called 'admin' and no tenant. */
export interface ContractHome {
  /** By the tokens 'admin', 'machine', 'none', or one that is no token. */
  call(method: string, path: string, body: unknown, options: CallOptions): Promise<Answer>;
  /** Every event that was sent, oldest first. */
  events(): Promise<readonly Event[]>;
  close(): Promise<void>;
}

const ROOT = join(import.meta.dirname, '../..');
const CONTRACT = JSON.parse(readFileSync(join(ROOT, 'test/fixtures/sbt-contract.json'), 'utf8')) as {
  readonly steps: readonly Step[];
  readonly events: readonly Event[];
};
const DOCS = readFileSync(join(ROOT, 'docs/sbt-contract.md'), 'utf8');
const STEP_DIFFERENCES = tableBelow('## Steps').map(
  ([step = '', sbt = '', ours = '']): Difference => ({ step, sbt, ours }),
);
const EVENT_DIFFERENCES = tableBelow('## Events');

/** What ours says beside what SBT says, or says in words of its own. */
const ADDITIONS = ['state', 'reason', 'steps', 'slug', 'created', 'modified', 'msg'];
/** `<time>` stands where SBT says these. */
const TIMES = ['created', 'modified'];
const AS_MACHINE = 'as machine';

function tableBelow(heading: string): string[][] {
  const [, after = ''] = DOCS.split(`${heading}\n`);
  const [section = ''] = after.split(/^## /m);
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) =>
        cell
          .trim()
          .replaceAll('\\|', '|')
          .replace(/^`(.*)`$/, '$1'),
      ),
  );
}

/** Replays what SBT's own functions were recorded to answer; docs/sbt-contract.md names every difference. */
export function sbtContract(name: string, open: () => Promise<ContractHome>): void {
  describe(`the recorded contract of SBT's own functions, by the ${name} home`, () => {
    let home: ContractHome;
    const ids = new Map<string, string>();
    const answers = new Map<string, Answer>();
    const asMachine = new Map<string, Answer>();

    beforeAll(async () => {
      home = await open();
      for (const step of CONTRACT.steps) {
        const answer = await replay(step, step.request.auth === 'admin' ? 'admin' : step.request.auth);
        answers.set(step.name, answer);
        if (STEP_DIFFERENCES.some((row) => row.step === step.name && row.ours.includes(AS_MACHINE))) {
          asMachine.set(step.name, await replay(step, 'machine'));
        }
      }
    });
    afterAll(async () => home?.close());

    async function replay({ request, answer }: Step, auth: string): Promise<Answer> {
      const token = auth === 'none' ? 'none' : auth.replace(/^Bearer /, '');
      const given = { token, ...(request.headers && { headers: request.headers }) };
      const body = request.body === undefined ? undefined : fill(JSON.stringify(request.body));
      const text = typeof request.body === 'string' ? request.body : body;
      const got = await home.call(request.method, fill(request.path), text, given);
      learnIds(answer.body, got.body);
      return got;
    }

    function fill(text: string): string {
      return [...ids].reduce((filled, [name, id]) => filled.replaceAll(name, id), text);
    }

    /** `<reg1>` is what ours answers where SBT answered `<reg1>` for the first time. */
    function learnIds(expected: Body, got: Body): void {
      for (const key of ['tenantRegistrationId', 'tenantId']) {
        const name = expected?.data?.[key];
        const id = got?.data?.[key];
        if (/^<(reg|ten)\d>$/.test(name ?? '') && id !== undefined && !ids.has(name)) ids.set(name, id);
      }
    }

    /** What a difference would be about: only what SBT says, ids by their names. */
    function comparable(expected: Body, got: Body): Body {
      if (expected === '<uuid>' && typeof got === 'string') return expected;
      if (Array.isArray(got)) return got.map((one, i) => comparable(expected?.[i], one));
      if (typeof got !== 'object' || got === null) return nameOf(got);
      const kept = Object.entries(got).filter(([key]) => expected?.[key] !== undefined || !ADDITIONS.includes(key));
      return Object.fromEntries(
        kept.map(([key, value]) => [
          key,
          TIMES.includes(key) && expected?.[key] === '<time>' && !Number.isNaN(Date.parse(String(value)))
            ? '<time>'
            : comparable(expected?.[key], value),
        ]),
      );
    }

    function nameOf(value: unknown): unknown {
      return [...ids].find(([, id]) => id === value)?.[0] ?? value;
    }

    function differs({ answer }: Step, got: Answer | undefined): unknown {
      const expected = { status: answer.status, contentType: answer.contentType, body: answer.body };
      const contentType = got?.headers.get('content-type');
      const actual = { status: got?.status, contentType, body: comparable(answer.body, got?.body) };
      // SBT's lists are unordered and hold what was nonsense to begin with; page size and the way on are the contract.
      const pages = [expected, actual].map(({ body }) => body?.data).every(Array.isArray);
      if (pages && expected.body.data.length > 0 && !answerIsOfUsers(expected.body)) {
        const shape = (one: Body) => ({
          status: one.status,
          size: one.body.data.length,
          more: 'next_token' in one.body,
        });
        return equal(shape(expected), shape(actual)) ? undefined : actual;
      }
      if (pages) delete actual.body.next_token;
      if (pages && 'next_token' in expected.body)
        actual.body.next_token = got?.body.next_token && expected.body.next_token;
      return equal(expected, actual) ? undefined : actual;
    }

    function answerIsOfUsers(body: Body): boolean {
      return 'userName' in body.data[0];
    }

    function equal(a: unknown, b: unknown): boolean {
      try {
        expect(b).toEqual(a);
        return true;
      } catch {
        return false;
      }
    }

    test('has all 62 steps, each answered', () => {
      expect(CONTRACT.steps).toHaveLength(62);
      expect([...answers.values()].filter(({ status }) => status >= 500)).toEqual([]);
    });

    test('names in its table of differences only steps there are, each once', () => {
      const named = STEP_DIFFERENCES.map(({ step }) => step);
      expect(named).toEqual([...new Set(named)]);
      expect(named.filter((name) => !CONTRACT.steps.some((step) => step.name === name))).toEqual([]);
    });

    test.each(CONTRACT.steps.map((step) => [step.name, step] as const))('is kept at: %s', (name, step) => {
      const row = STEP_DIFFERENCES.find((one) => one.step === name);
      const difference = differs(step, answers.get(name));
      if (!row) {
        expect(difference).toBeUndefined();
        return;
      }
      expect(difference).toBeDefined();
      expect(row.sbt).toContain(String(step.answer.status));
      expect(row.ours).toContain(String(answers.get(name)?.status));
      if (asMachine.has(name)) expect(differs(step, asMachine.get(name))).toBeUndefined();
    });

    test('differs in status only to a clear 4xx', () => {
      const changed = CONTRACT.steps.filter((step) => step.answer.status !== answers.get(step.name)?.status);
      const statuses = changed.map((step) => answers.get(step.name)?.status);
      expect(statuses.filter((status) => ![400, 404, 409, 422].includes(status ?? 0))).toEqual([]);
    });

    test("sends SBT's events, but for those the table names", async () => {
      const sent = (await home.events()).map(({ source, detailType, detail }) =>
        JSON.stringify({ source, detailType, detail: sorted(comparable(undefined, detail)) }),
      );
      const left = [...sent];
      const missing = CONTRACT.events.filter((event) => {
        const text = JSON.stringify({ ...event, detail: sorted(event.detail) });
        const at = left.findIndex((one) => matches(text, one));
        if (at >= 0) left.splice(at, 1);
        return at < 0;
      });
      expect(left).toEqual([]);
      const described = EVENT_DIFFERENCES.map(([detailType, detail]) => `${detailType} ${detail}`);
      const missed = missing.map(({ detailType, detail }) => `${detailType} ${JSON.stringify(detail)}`);
      expect(missed.sort()).toEqual(described.sort());
    });

    /** `<uuid>` is any id. */
    function matches(expected: string, got: string): boolean {
      const pattern = expected.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('"<uuid>"', '"[^"]+"');
      return new RegExp(`^${pattern}$`).test(got);
    }

    function sorted(value: Record<string, unknown>): Record<string, unknown> {
      return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
    }
  });
}
