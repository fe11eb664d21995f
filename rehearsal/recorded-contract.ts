import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

// biome-ignore lint/suspicious/noExplicitAny: responses are compared as plain JSON
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
  readonly response: { readonly status: number; readonly contentType: string; readonly body: Json };
}

export interface ContractEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Record<string, unknown>;
}

export interface ContractResponse {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: Json;
}

/**
 * Sends a request to a control plane that has an administrator and no tenant. `token` is 'admin', 'machine', 'none' or an
 * invalid token.
 */
export type ContractCall = (request: {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as is. */
  readonly body?: string;
}) => Promise<ContractResponse>;

/** A row of the table in docs/sbt-contract.md. */
export interface Difference {
  readonly step: string;
  readonly sbt: string;
  readonly ours: string;
}

const ROOT = join(import.meta.dirname, '..');
const DOCS = readFileSync(join(ROOT, 'docs/sbt-contract.md'), 'utf8');

/** The recorded responses and events of SBT's functions. */
export const CONTRACT = JSON.parse(readFileSync(join(ROOT, 'test/fixtures/sbt-contract.json'), 'utf8')) as {
  readonly steps: readonly ContractStep[];
  readonly events: readonly ContractEvent[];
};
export const DIFFERENCES: readonly Difference[] = tableBelow('## Steps').map(([step = '', sbt = '', ours = '']) => ({
  ...{ step, sbt, ours },
}));
/** Recorded events that ours does not send, as `detailType detail`. */
const EVENTS_NOT_SENT = tableBelow('## Events').map(([detailType, detail]) => `${detailType} ${detail}`);

/** Fields that ours adds, or whose text differs. */
const ADDITIONS = ['state', 'reason', 'steps', 'slug', 'actions', 'created', 'modified', 'msg'];
/** Fields that the record shows as `<time>`. */
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

/** Replays the steps of the contract in order and compares the responses. */
export class ContractReplay {
  readonly #call: ContractCall;
  /** Our ids by their names in the record, such as `<reg1>`. */
  readonly #ids = new Map<string, string>();
  readonly #responses = new Map<string, ContractResponse>();
  readonly #asMachine = new Map<string, ContractResponse>();

  constructor(call: ContractCall) {
    this.#call = call;
  }

  /** Call it once. */
  async run(): Promise<void> {
    for (const step of CONTRACT.steps) {
      this.#responses.set(step.name, await this.#replay(step, step.request.auth));
      if (DIFFERENCES.some((row) => row.step === step.name && row.ours.includes(AS_MACHINE))) {
        this.#asMachine.set(step.name, await this.#replay(step, 'machine'));
      }
    }
  }

  statusOf({ name }: ContractStep): number | undefined {
    return this.#responses.get(name)?.status;
  }

  /** What is wrong with the response to a step: it differs from SBT's, or from the difference in docs/sbt-contract.md. */
  errorOf(step: ContractStep): string | undefined {
    const row = DIFFERENCES.find((one) => one.step === step.name);
    const difference = this.#differs(step, this.#responses.get(step.name));
    if (!row) return difference && `responded ${difference}`;
    if (!difference) return 'is documented to differ, but does not';
    if (!row.sbt.includes(String(step.response.status))) return `is documented to be ${row.sbt} in SBT`;
    if (!row.ours.includes(String(this.statusOf(step))))
      return `is documented to be ${row.ours}, but responded ${difference}`;
    const machines = this.#asMachine.get(step.name);
    const other = machines && this.#differs(step, machines);
    return other && `responded to the machine ${other}`;
  }

  /** What is wrong with the events: one that SBT did not send, or a missing one that is not documented. */
  eventErrors(events: readonly ContractEvent[]): string[] {
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
      ...left.map((one) => `not sent by SBT: ${one}`),
      ...missing.filter((one) => !EVENTS_NOT_SENT.includes(one)).map((one) => `not sent: ${one}`),
      ...EVENTS_NOT_SENT.filter((one) => !missing.includes(one)).map(
        (one) => `documented as not sent, but sent: ${one}`,
      ),
    ];
  }

  async #replay({ request, response }: ContractStep, auth: string): Promise<ContractResponse> {
    const { method, path, headers } = request;
    const text = typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
    const got = await this.#call({
      ...{ method, path: this.#fill(path), token: auth.replace(/^Bearer /, '') },
      ...(headers && { headers }),
      ...(text !== undefined && { body: typeof request.body === 'string' ? text : this.#fill(text) }),
    });
    this.#learnIds(response.body, got.body);
    return got;
  }

  #fill(text: string): string {
    return [...this.#ids].reduce((filled, [name, id]) => filled.replaceAll(name, id), text);
  }

  /** Learns our id for `<reg1>` from the first response where the record has `<reg1>`. */
  #learnIds(expected: Json, got: Json): void {
    for (const key of ['tenantRegistrationId', 'tenantId']) {
      const name = expected?.data?.[key];
      const id = got?.data?.[key];
      if (/^<(reg|ten)\d>$/.test(name ?? '') && id !== undefined && !this.#ids.has(name)) this.#ids.set(name, id);
    }
  }

  /** The response reduced to what SBT's response contains, with ids replaced by their names. */
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

  /** Our response as text if it differs from SBT's, otherwise undefined. */
  #differs({ response }: ContractStep, got: ContractResponse | undefined): string | undefined {
    const expected = { status: response.status, contentType: response.contentType, body: response.body };
    const body = this.#comparable(response.body, got?.body);
    const actual = { status: got?.status, contentType: got?.contentType, body };
    // SBT's lists are unordered and contain invalid items, so the contract covers only page size and next page.
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

/** `<uuid>` in `expected` matches any id. */
function matches(expected: string, got: string): boolean {
  const pattern = expected.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('"<uuid>"', '"[^"]+"');
  return new RegExp(`^${pattern}$`).test(got);
}

function sorted(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
