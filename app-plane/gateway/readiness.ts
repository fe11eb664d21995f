import { writeRequest } from './upstream/request-writer.ts';
import type { Upstream } from './upstream/upstream.ts';

const ASK = { method: 'GET', path: '/readyz', headers: ['host', 'localhost'], body: undefined };

/** Whether an upstream says within this time that it is ready. */
export function answersReady(upstream: Upstream, withinMs: number): Promise<boolean> {
  const request = writeRequest(ASK);
  return new Promise((resolve) => {
    if (!request) return resolve(false);
    let ready = false;
    const call = upstream.send(request, {
      onHead: (status) => {
        ready = status === 200;
      },
      onData: () => undefined,
      onEnd: () => end(ready),
      onFault: () => end(false),
    });
    const timer = setTimeout(() => {
      call.abort();
      resolve(false);
    }, withinMs);
    function end(answer: boolean): void {
      clearTimeout(timer);
      resolve(answer);
    }
  });
}
