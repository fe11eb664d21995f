import type { RealmSpec } from '../../../core/ports/identity.ts';

/** A request for a page of a realm that exists, whatever transport it came by. */
export interface PageRequest {
  readonly method: string;
  readonly realm: RealmSpec;
  /** The realm's path in the public URL. */
  readonly mount: string;
  readonly query: URLSearchParams;
  /** Reads the posted form. Throws INVALID, TOO_LARGE. */
  form(): Promise<URLSearchParams>;
  /** Whether another site sent the form. */
  readonly isForeign: boolean;
  /** The address of the client. */
  readonly client: string;
  readonly requestId: string | undefined;
}

export interface PageResponse {
  readonly status: number;
  readonly html: string;
  /** @default - only those of every page */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Work whose duration must not show in the time of the response. It does not fail.
   * @default - none
   */
  readonly afterwards?: () => Promise<void>;
}
