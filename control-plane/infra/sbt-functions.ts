import { Aspects, type IAspect } from 'aws-cdk-lib';
import { type CfnPolicy, type CfnRole, PolicyDocument, type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  type AssetCode,
  CfnFunction,
  CfnLayerVersion,
  Function as LambdaFunction,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct, type IConstruct } from 'constructs';
import { writeLog } from './permissions.ts';

/** What stands in the place of one of SBT's Python functions. */
export interface Replacement {
  readonly code: AssetCode;
  readonly description: string;
  /** All that its role allows, its own log aside. */
  readonly statements: readonly PolicyStatement[];
}

export interface SbtFunctionsProps {
  /** THE table: SBT's Python functions, each by the end of its path in the tree of constructs. */
  readonly replacements: Readonly<Record<string, Replacement>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly logRetention: RetentionDays;
}

/**
 * Swaps SBT's Python functions and their layer for ours, so that the tested code is the deployed code and neither Docker
 * nor Python is needed. Names, routes and integrations stay SBT's; code, runtime, environment, logs and rights are ours.
 * Throws for a function that the table does not know, and for a row that no function answers to.
 */
export class SbtFunctions extends Construct {
  readonly functions: ReadonlyMap<string, LambdaFunction>;

  constructor(scope: Construct, id: string, props: SbtFunctionsProps) {
    super(scope, id);
    const found = new Map<string, LambdaFunction>();
    for (const one of scope.node.findAll().filter(isPythonFunction)) {
      const row = Object.keys(props.replacements).find((path) => one.node.path.endsWith(path));
      const replacement = row === undefined ? undefined : props.replacements[row];
      if (row === undefined || !replacement) throw new Error(`SBT's function ${one.node.path} has no replacement`);
      this.#replace(one, replacement, props);
      found.set(row, one);
    }
    const unused = Object.keys(props.replacements).filter((row) => !found.has(row));
    if (unused.length > 0) throw new Error(`SBT has no function ${unused.join(', ')}`);
    removeLayers(scope);
    Aspects.of(scope).add(new NoPython());
    this.functions = found;
  }

  #replace(one: LambdaFunction, { code, description, statements }: Replacement, props: SbtFunctionsProps): void {
    const name = one.node.id;
    const log = new LogGroup(this, `${name}Log`, { retention: props.logRetention });
    const { s3Location } = code.bind(new Construct(this, name));
    const cfn = one.node.defaultChild as CfnFunction;
    if (!s3Location) throw new Error(`code of ${name} must be an asset in S3`);
    cfn.code = { s3Bucket: s3Location.bucketName, s3Key: s3Location.objectKey };
    cfn.description = description;
    cfn.handler = 'index.handler';
    cfn.runtime = Runtime.NODEJS_24_X.name;
    cfn.architectures = ['arm64'];
    cfn.memorySize = 512;
    cfn.timeout = 29;
    cfn.layers = undefined;
    cfn.environment = { variables: props.environment };
    cfn.loggingConfig = { logGroup: log.logGroupName };
    cfn.tracingConfig = undefined;
    // Paths of assets on the machine that synthesized are nobody's business.
    delete cfn.cfnOptions.metadata;
    setRights(one, [...statements, writeLog(log)]);
  }
}

/** The role keeps its name and who may take it; of what it allowed nothing is left. */
function setRights(one: LambdaFunction, statements: readonly PolicyStatement[]): void {
  const role = one.role?.node.defaultChild as CfnRole;
  role.managedPolicyArns = [];
  const policy = one.role?.node.findChild('DefaultPolicy').node.defaultChild as CfnPolicy;
  policy.policyDocument = new PolicyDocument({ statements: [...statements] });
}

function removeLayers(scope: Construct): void {
  for (const layer of scope.node.findAll().filter((node) => node instanceof CfnLayerVersion)) {
    const owner = layer.node.scope;
    owner?.node.scope?.node.tryRemoveChild(owner.node.id);
  }
}

function isPythonFunction(node: IConstruct): node is LambdaFunction {
  return node instanceof LambdaFunction && node.runtime.name.startsWith('python');
}

/** Fails the synthesis where a Python runtime or a layer is left, whoever brought it. */
class NoPython implements IAspect {
  visit(node: IConstruct): void {
    if (node instanceof CfnFunction && node.runtime?.startsWith('python')) {
      throw new Error(`${node.node.path} runs Python: it must have a replacement`);
    }
    if (node instanceof CfnLayerVersion) throw new Error(`${node.node.path} is a layer: none is needed`);
  }
}
