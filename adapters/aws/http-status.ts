import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface StatusOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** For a whole response, in milliseconds. */
  readonly timeoutMs: number;
  /** The host name in the server's certificate. @default - the URL's */
  readonly certificateHost?: string | undefined;
  /** Where all services of AWS are. @default - at their own names */
  readonly endpointUrl?: string | undefined;
}

/** Sends a GET request. @returns the status of the response. Rejects if there is none in time */
export function statusOf(address: URL, options: StatusOptions): Promise<number> {
  const { headers, timeoutMs, certificateHost, endpointUrl } = options;
  const url = endpointUrl === undefined ? address : new URL(`${address.pathname}${address.search}`, endpointUrl);
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        headers: { ...headers, host: address.host },
        servername: certificateHost ?? url.hostname,
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}
