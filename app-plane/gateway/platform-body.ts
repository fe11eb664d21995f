import type { ClientBudget } from '../../core/collections/client-budget.ts';
import { hasBody } from './body.ts';
import type { Exchange } from './exchange.ts';
import { RESPONSES } from './responses.ts';

export interface PlatformBodyLimits {
  /** Longest body, in bytes. */
  readonly maxBytes: number;
  /** A body that takes longer to arrive is refused, in milliseconds. */
  readonly withinMs: number;
}

type Refusal = 'tooLarge' | 'requestTimeout';

/**
 * Reads the whole body of a request to the platform, and then calls `use`. Strangers send such requests, and there are few
 * connections to the platform, so a request gets one only when all of it has arrived. A body that is too large, too slow, or
 * must make room for others gets its response here. Does not call `use` if the client disconnects first.
 */
export function readPlatformBody(
  exchange: Exchange,
  { maxBytes, withinMs }: PlatformBodyLimits,
  { budget, client }: { readonly budget: ClientBudget; readonly client: string },
  use: (body: Buffer | undefined) => void,
): void {
  const { request } = exchange;
  if (!hasBody(request)) {
    use(undefined);
    return;
  }
  exchange.acceptBody();
  const chunks: Buffer[] = [];
  let size = 0;
  const place = budget.enter(client, () => refuse('requestTimeout'));
  const timer = setTimeout(() => refuse('requestTimeout'), withinMs);
  exchange.onClosed(stop);

  function stop(): void {
    clearTimeout(timer);
    place.leave();
    request.off('data', read).off('end', finish);
  }

  function refuse(refusal: Refusal): void {
    stop();
    exchange.respond(RESPONSES[refusal]);
  }

  function read(chunk: Buffer): void {
    size += chunk.length;
    if (size > maxBytes) {
      refuse('tooLarge');
    } else {
      chunks.push(chunk);
      place.grow(chunk.length);
    }
  }

  function finish(): void {
    stop();
    use(Buffer.concat(chunks, size));
  }

  request.on('data', read).on('end', finish);
}
