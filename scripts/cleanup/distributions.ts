import {
  type CloudFrontClient,
  GetDistributionCommand,
  GetDistributionConfigCommand,
  UpdateDistributionCommand,
} from '@aws-sdk/client-cloudfront';
import { until } from '../until.ts';
import { unlessGone } from './operation.ts';

const TIMEOUT_MS = 40 * 60_000;
const POLL_MS = 10_000;

/** Disables a distribution and its access log. CloudFront takes minutes; `untilDisabled` waits. */
export async function disable(cloudfront: CloudFrontClient, Id: string): Promise<void> {
  await unlessGone(
    (async () => {
      const { DistributionConfig, ETag } = await cloudfront.send(new GetDistributionConfigCommand({ Id }));
      if (!DistributionConfig?.Enabled) return;
      const { Logging, ...config } = DistributionConfig;
      const logging = Logging?.Enabled ? { ...Logging, Enabled: false, Bucket: '', Prefix: '' } : Logging;
      await cloudfront.send(
        new UpdateDistributionCommand({
          ...{ Id, IfMatch: ETag },
          DistributionConfig: { ...config, Enabled: false, ...(logging && { Logging: logging }) },
        }),
      );
    })(),
  );
}

/** Waits until the change has reached every edge location. */
export async function untilDisabled(cloudfront: CloudFrontClient, Id: string): Promise<void> {
  let status = 'unknown';
  await unlessGone(
    until(
      async () => {
        const { Distribution } = await cloudfront.send(new GetDistributionCommand({ Id }));
        status = Distribution?.Status ?? status;
        return status === 'Deployed';
      },
      {
        ...{ withinMs: TIMEOUT_MS, everyMs: POLL_MS },
        failure: () => `not deployed after 40 minutes; its status is ${status}`,
      },
    ),
  );
}
