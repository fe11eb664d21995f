import { createRequest } from './upstream/request.ts';
import type { Upstream } from './upstream/upstream.ts';

const PROBE = { method: 'GET', path: '/readyz', headers: ['host', 'localhost'], body: undefined };

/** @returns whether the upstream responds to `GET /readyz` with 200 within `timeoutMs` */
export function isReady(upstream: Upstream, timeoutMs: number): Promise<boolean> {
  const request = createRequest(PROBE);
  return new Promise((resolve) => {
    if (!request) return resolve(false);
    let ready = false;
    const call = upstream.send(request, {
      onHead: (status) => {
        ready = status === 200;
      },
      onData: () => undefined,
      onEnd: () => finish(ready),
      onFailure: () => finish(false),
    });
    const timer = setTimeout(() => {
      call.abort();
      resolve(false);
    }, timeoutMs);
    function finish(result: boolean): void {
      clearTimeout(timer);
      resolve(result);
    }
  });
}
