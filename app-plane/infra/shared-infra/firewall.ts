import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { TIERS } from '../../../tenant-templates/tiers.ts';

export interface FirewallProps {
  /** `tierplane-<environment>`. */
  readonly prefix: string;
  /** The stage of the REST API that the firewall protects. */
  readonly stageArn: string;
  /** How many requests a client address may send in five minutes. Further ones are blocked. @default what the largest usage plan allows */
  readonly requestsPerAddress?: number;
}

const PERIOD_SECONDS = 300;

/** The parts of a request in which the firewall looks for scripts. */
const PARTS: readonly CfnWebACL.FieldToMatchProperty[] = [
  { uriPath: {} },
  { queryString: {} },
  { body: { oversizeHandling: 'CONTINUE' } },
];
/** Encodings that could hide a script. */
const DECODED = [
  { priority: 0, type: 'URL_DECODE' },
  { priority: 1, type: 'HTML_ENTITY_DECODE' },
];

type Rule = Omit<CfnWebACL.RuleProperty, 'priority' | 'visibilityConfig'>;

/** Blocks requests with a script in any of these parts (cross-site scripting). */
const SCRIPTS: Rule = {
  name: 'CrossSiteScripting',
  action: { block: {} },
  statement: {
    orStatement: {
      statements: PARTS.map((fieldToMatch) => ({ xssMatchStatement: { fieldToMatch, textTransformations: DECODED } })),
    },
  },
};

/** Rules of AWS's managed sets that would refuse valid requests, so they only count. */
const COUNTED_ONLY = {
  // Services limit bodies themselves, and programs may send no user agent.
  AWSManagedRulesCommonRuleSet: ['SizeRestrictions_BODY', 'NoUserAgent_HEADER'],
  // Servers of customers run at hosting providers.
  AWSManagedRulesAnonymousIpList: ['HostingProviderIPList'],
} as const;

/** The firewall of the tenants' REST API. Refused requests get 403. */
export class Firewall extends Construct {
  constructor(scope: Construct, id: string, { prefix, stageArn, requestsPerAddress }: FirewallProps) {
    super(scope, id);
    const rules: Rule[] = [
      rateOf(requestsPerAddress ?? requestsOfLargestPlan()),
      managed('AWSManagedRulesAnonymousIpList'),
      managed('AWSManagedRulesCommonRuleSet'),
      managed('AWSManagedRulesSQLiRuleSet'),
      SCRIPTS,
    ];
    const acl = new CfnWebACL(this, 'Rules', {
      name: `${prefix}-tenants`,
      description: 'Protects the REST API of tenants',
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      rules: rules.map((rule, priority) => ({ ...rule, priority, visibilityConfig: metricsOf(rule.name) })),
      visibilityConfig: metricsOf('Requests'),
    });
    new CfnWebACLAssociation(this, 'Association', { resourceArn: stageArn, webAclArn: acl.attrArn });
  }
}

/** The limit at which no client is blocked that keeps to a usage plan. */
function requestsOfLargestPlan(): number {
  return Math.max(...Object.values(TIERS).map(({ usagePlan }) => usagePlan.rate)) * PERIOD_SECONDS;
}

function rateOf(limit: number): Rule {
  return {
    name: 'Rate',
    action: { block: {} },
    statement: { rateBasedStatement: { limit, evaluationWindowSec: PERIOD_SECONDS, aggregateKeyType: 'IP' } },
  };
}

function managed(name: string): Rule {
  const counted = name in COUNTED_ONLY ? COUNTED_ONLY[name as keyof typeof COUNTED_ONLY] : [];
  return {
    name,
    overrideAction: { none: {} },
    statement: {
      managedRuleGroupStatement: {
        vendorName: 'AWS',
        name,
        ruleActionOverrides: counted.map((rule) => ({ name: rule, actionToUse: { count: {} } })),
      },
    },
  };
}

/** Without samples: they would contain tokens. */
function metricsOf(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false, metricName };
}
