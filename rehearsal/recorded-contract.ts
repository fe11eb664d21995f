import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely, as JSON
type Json = any;

export interface ContractStep {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly auth: string;
    readonly body?: unknown;
    readonly headers?: Record<string, string>;
  };
  readonly answer: { readonly status: number; readonly contentType: string; readonly body: Json };
}

export interface ContractEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Record<string, unknown>;
}

export interface ContractAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: Json;
}

/** Asks a control plane that has an admin and no tenant. `token`: 'admin', 'machine', 'none', or one that is no token. */
export type ContractCall = (request: {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** As it is to be sent. */
  readonly body?: string;
}) => Promise<ContractAnswer>;

/** A row of the table in docs/sbt-contract.md. */
export interface Difference {
  readonly step: string;
  readonly sbt: string;
  readonly ours: string;
}

const ROOT = join(import.meta.dirname, '..');
const DOCS = readFileSync(join(ROOT, 'docs/sbt-contract.md'), 'utf8');

/** What SBT's own functions were recorded to answer, and the events they sent. */
export const CONTRACT = JSON.parse(readFileSync(join(ROOT, 'test/fixtures/sbt-contract.json'), 'utf8')) as {
  readonly steps: readonly ContractStep[];
  readonly events: readonly ContractEvent[];
};
export const DIFFERENCES: readonly Difference[] = tableBelow('## Steps').map(([step = '', sbt = '', ours = '']) => ({
  ...{ step, sbt, ours },
}));
/** Those that are not sent, as `detailType detail`. */
const EVENTS_NOT_SENT = tableBelow('## Events').map(([detailType, detail]) => `${detailType} ${detail}`);

/** What ours says beside what SBT says, or says in words of its own. */
const ADDITIONS = ['state', 'reason', 'steps', 'slug', 'actions', 'created', 'modified', 'msg'];
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

/** What a control plane has answered to each step of the contract, one after the other. */
export class ContractReplay {
  readonly #call: ContractCall;
  /** Ours by SBT's names for them: `<reg1>`. */
  readonly #ids = new Map<string, string>();
  readonly #answers = new Map<string, ContractAnswer>();
  readonly #asMachine = new Map<string, ContractAnswer>();

  constructor(call: ContractCall) {
    this.#call = call;
  }

  /** To be called once. */
  async run(): Promise<void> {
    for (const step of CONTRACT.steps) {
      this.#answers.set(step.name, await this.#replay(step, step.request.auth));
      if (DIFFERENCES.some((row) => row.step === step.name && row.ours.includes(AS_MACHINE))) {
        this.#asMachine.set(step.name, await this.#replay(step, 'machine'));
      }
    }
  }

  statusOf({ name }: ContractStep): number | undefined {
    return this.#answers.get(name)?.status;
  }

  /** What is wrong with the answer to a step: another one than SBT's, or than docs/sbt-contract.md says instead. */
  faultOf(step: ContractStep): string | undefined {
    const row = DIFFERENCES.find((one) => one.step === step.name);
    const difference = this.#differs(step, this.#answers.get(step.name));
    if (!row) return difference && `answered ${difference}`;
    if (!difference) return 'is said to differ, and does not';
    if (!row.sbt.includes(String(step.answer.status))) return `is said to be ${row.sbt} in SBT`;
    if (!row.ours.includes(String(this.statusOf(step)))) return `is said to be ${row.ours}, but ${difference}`;
    const machines = this.#asMachine.get(step.name);
    const other = machines && this.#differs(step, machines);
    return other && `answered to the machine ${other}`;
  }

  /** What is wrong with the events that were sent: one that SBT did not send, or one missing that is not listed. */
  faultsOfEvents(events: readonly ContractEvent[]): string[] {
    const left = events.map(({ source, detailType, detail }) =>
      JSON.stringify({ source, detailType, detail: sorted(this.#comparable(undefined, detail)) }),
    );
    const missing: string[] = [];
    for (const event of CONTRACT.events) {
      const expected = JSON.stringify({ ...event, detail: sorted(event.detail) });
      const at = left.findIndex((one) => matches(expected, one));
      if (at >= 0) left.splice(at, 1);
      else missing.push(`${event.detailType} ${JSON.stringify(event.detail)}`);
    }
    return [
      ...left.map((one) => `not SBT's: ${one}`),
      ...missing.filter((one) => !EVENTS_NOT_SENT.includes(one)).map((one) => `not sent: ${one}`),
      ...EVENTS_NOT_SENT.filter((one) => !missing.includes(one)).map((one) => `said not to be sent: ${one}`),
    ];
  }

  async #replay({ request, answer }: ContractStep, auth: string): Promise<ContractAnswer> {
    const { method, path, headers } = request;
    const text = typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
    const got = await this.#call({
      ...{ method, path: this.#fill(path), token: auth.replace(/^Bearer /, '') },
      ...(headers && { headers }),
      ...(text !== undefined && { body: typeof request.body === 'string' ? text : this.#fill(text) }),
    });
    this.#learnIds(answer.body, got.body);
    return got;
  }

  #fill(text: string): string {
    return [...this.#ids].reduce((filled, [name, id]) => filled.replaceAll(name, id), text);
  }

  /** `<reg1>` is what ours answers where SBT answered `<reg1>` for the first time. */
  #learnIds(expected: Json, got: Json): void {
    for (const key of ['tenantRegistrationId', 'tenantId']) {
      const name = expected?.data?.[key];
      const id = got?.data?.[key];
      if (/^<(reg|ten)\d>$/.test(name ?? '') && id !== undefined && !this.#ids.has(name)) this.#ids.set(name, id);
    }
  }

  /** What a difference would be about: only what SBT says, ids by their names. */
  #comparable(expected: Json, got: Json): Json {
    if (expected === '<uuid>' && typeof got === 'string') return expected;
    if (Array.isArray(got)) return got.map((one, i) => this.#comparable(expected?.[i], one));
    if (typeof got !== 'object' || got === null) return this.#nameOf(got);
    const kept = Object.entries(got).filter(([key]) => expected?.[key] !== undefined || !ADDITIONS.includes(key));
    return Object.fromEntries(
      kept.map(([key, value]) => [
        key,
        TIMES.includes(key) && expected?.[key] === '<time>' && !Number.isNaN(Date.parse(String(value)))
          ? '<time>'
          : this.#comparable(expected?.[key], value),
      ]),
    );
  }

  #nameOf(value: unknown): unknown {
    return [...this.#ids].find(([, id]) => id === value)?.[0] ?? value;
  }

  /** What ours answered, as text, where that is not what SBT did. */
  #differs({ answer }: ContractStep, got: ContractAnswer | undefined): string | undefined {
    const expected = { status: answer.status, contentType: answer.contentType, body: answer.body };
    const body = this.#comparable(answer.body, got?.body);
    const actual = { status: got?.status, contentType: got?.contentType, body };
    // SBT's lists are unordered and hold what was nonsense to begin with; page size and the way on are the contract.
    const pages = [expected, actual].map((one) => one.body?.data).every(Array.isArray);
    if (pages && expected.body.data.length > 0 && !('userName' in expected.body.data[0])) {
      const [theirs, ours] = [shapeOf(expected), shapeOf(actual)];
      return isDeepStrictEqual(theirs, ours) ? undefined : JSON.stringify(ours);
    }
    if (pages) delete actual.body.next_token;
    if (pages && 'next_token' in expected.body) {
      actual.body.next_token = got?.body.next_token && expected.body.next_token;
    }
    return isDeepStrictEqual(expected, actual) ? undefined : JSON.stringify(actual);
  }
}

function shapeOf({ status, body }: { readonly status: number | undefined; readonly body: Json }) {
  return { status, size: body.data.length, more: 'next_token' in body };
}

/** `<uuid>` is any id. */
function matches(expected: string, got: string): boolean {
  const pattern = expected.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('"<uuid>"', '"[^"]+"');
  return new RegExp(`^${pattern}$`).test(got);
}

function sorted(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
