/** A price on demand in PRICE_REGION, in US dollars, without free allowances, discounts and taxes. */
export interface Price {
  readonly what: string;
  readonly usd: number;
  readonly per: string;
  /** AWS's price page. */
  readonly source: string;
  /** The month of the published statement that the price was compared with, as YYYY-MM. @default - it was not compared */
  readonly asOf?: string;
}

export const PRICE_REGION = 'us-east-1';

const FARGATE = { source: 'https://aws.amazon.com/fargate/pricing/' };
const VPC = { source: 'https://aws.amazon.com/vpc/pricing/', asOf: '2026-05' };
const ENDPOINT = { source: 'https://aws.amazon.com/privatelink/pricing/', asOf: '2026-06' };
const LOAD_BALANCER = { source: 'https://aws.amazon.com/elasticloadbalancing/pricing/' };
const API_GATEWAY = { source: 'https://aws.amazon.com/api-gateway/pricing/', asOf: '2026-05' };
const WAF = { source: 'https://aws.amazon.com/waf/pricing/' };
const DYNAMODB = { source: 'https://aws.amazon.com/dynamodb/pricing/on-demand/' };
const CLOUDWATCH = { source: 'https://aws.amazon.com/cloudwatch/pricing/' };
const COGNITO = { source: 'https://aws.amazon.com/cognito/pricing/', asOf: '2026-09' };
const KMS = { source: 'https://aws.amazon.com/kms/pricing/' };

/** Everything that docs/cost.md computes with. */
export const PRICES = {
  cpuArm: { what: 'Fargate, ARM: vCPU', usd: 0.03238, per: 'hour', ...FARGATE },
  memoryArm: { what: 'Fargate, ARM: GB of memory', usd: 0.00356, per: 'hour', ...FARGATE },
  cpuX86: { what: 'Fargate, x86: vCPU', usd: 0.04048, per: 'hour', ...FARGATE, asOf: '2026-06' },
  memoryX86: { what: 'Fargate, x86: GB of memory', usd: 0.004445, per: 'hour', ...FARGATE, asOf: '2026-06' },
  natGateway: { what: 'NAT gateway', usd: 0.045, per: 'hour', ...VPC },
  natData: { what: 'NAT gateway: data', usd: 0.045, per: 'GB', ...VPC },
  publicAddress: { what: 'Public IPv4 address', usd: 0.005, per: 'hour', ...VPC, asOf: '2026-06' },
  endpoint: { what: 'Interface endpoint, in one availability zone', usd: 0.01, per: 'hour', ...ENDPOINT },
  endpointData: { what: 'Interface endpoint: data', usd: 0.01, per: 'GB', ...ENDPOINT },
  loadBalancer: { what: 'Application load balancer', usd: 0.0225, per: 'hour', ...LOAD_BALANCER },
  restRequests: { what: 'REST API: requests', usd: 3.5, per: 'million', ...API_GATEWAY },
  firewall: { what: 'WAF: web ACL', usd: 5, per: 'month', ...WAF },
  firewallRule: { what: 'WAF: rule', usd: 1, per: 'month', ...WAF },
  firewallRequests: { what: 'WAF: requests', usd: 0.6, per: 'million', ...WAF },
  reads: { what: 'DynamoDB: read request units', usd: 0.125, per: 'million', ...DYNAMODB },
  writes: { what: 'DynamoDB: write request units', usd: 0.625, per: 'million', ...DYNAMODB },
  storage: { what: 'DynamoDB: storage', usd: 0.25, per: 'GB and month', ...DYNAMODB },
  backup: { what: 'DynamoDB: point-in-time recovery', usd: 0.2, per: 'GB and month', ...DYNAMODB },
  logs: { what: 'CloudWatch: logs', usd: 0.5, per: 'GB', ...CLOUDWATCH },
  metric: { what: 'CloudWatch: metric of Container Insights', usd: 0.3, per: 'month', ...CLOUDWATCH },
  alarm: { what: 'CloudWatch: alarm', usd: 0.1, per: 'month', ...CLOUDWATCH },
  user: { what: 'Cognito, plan Essentials: monthly active user', usd: 0.015, per: 'month', ...COGNITO },
  userPlus: { what: 'Cognito, plan Plus: monthly active user', usd: 0.02, per: 'month', ...COGNITO },
  key: { what: 'KMS: key', usd: 1, per: 'month', ...KMS },
} as const satisfies Readonly<Record<string, Price>>;
