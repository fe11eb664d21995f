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
import { writeLog } from '../../infra/permissions.ts';

/** The function that takes the place of one of SBT's Python functions. */
export interface Replacement {
  /** The end of the path of SBT's function in the construct tree. */
  readonly path: string;
  readonly code: AssetCode;
  readonly description: string;
  /** Everything that the role allows, except writing the function's own log. */
  readonly statements: readonly PolicyStatement[];
}

export interface SbtFunctionsProps<Name extends string> {
  readonly replacements: Readonly<Record<Name, Replacement>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly logRetention: RetentionDays;
}

/**
 * Replaces SBT's Python functions and their layer, so that the tested code is the deployed code and synthesis needs neither
 * Docker nor Python. Names, routes and integrations remain SBT's. Code, runtime, environment, logs and permissions are ours.
 * @throws if one of SBT's functions has no replacement, or a replacement has no function
 */
export class SbtFunctions<Name extends string> extends Construct {
  readonly functions: Readonly<Record<Name, LambdaFunction>>;

  constructor(scope: Construct, id: string, props: SbtFunctionsProps<Name>) {
    super(scope, id);
    const replacements = Object.entries<Replacement>(props.replacements);
    const found = new Map<string, LambdaFunction>();
    for (const one of scope.node.findAll().filter(isPythonFunction)) {
      const [name, replacement] = replacements.find(([, { path }]) => one.node.path.endsWith(path)) ?? [];
      if (name === undefined || !replacement) throw new Error(`SBT's function ${one.node.path} has no replacement`);
      this.#replace(one, replacement, props);
      found.set(name, one);
    }
    const unused = replacements.filter(([name]) => !found.has(name)).map(([, { path }]) => path);
    if (unused.length > 0) throw new Error(`SBT has no function ${unused.join(', ')}`);
    removeLayers(scope);
    Aspects.of(scope).add(new NoPython());
    this.functions = Object.fromEntries(found) as Record<Name, LambdaFunction>;
  }

  #replace(
    one: LambdaFunction,
    { code, description, statements }: Replacement,
    props: Omit<SbtFunctionsProps<Name>, 'replacements'>,
  ): void {
    const name = one.node.id;
    const log = new LogGroup(this, `${name}Log`, { retention: props.logRetention });
    const { s3Location } = code.bind(new Construct(this, name));
    const cfn = one.node.defaultChild as CfnFunction;
    if (!s3Location) throw new Error(`the code of ${name} must be an asset in S3`);
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
    // The metadata would publish asset paths of the machine that synthesizes.
    delete cfn.cfnOptions.metadata;
    setPermissions(one, [...statements, writeLog(log)]);
  }
}

/** Replaces everything that the role allows. Its name and its trust policy remain. */
function setPermissions(one: LambdaFunction, statements: readonly PolicyStatement[]): void {
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

/** Fails the synthesis if any Python function or layer remains, including those that are added later. */
class NoPython implements IAspect {
  visit(node: IConstruct): void {
    if (node instanceof CfnFunction && node.runtime?.startsWith('python')) {
      throw new Error(`${node.node.path} runs Python; it must have a replacement`);
    }
    if (node instanceof CfnLayerVersion) throw new Error(`${node.node.path} is a layer; functions must not use layers`);
  }
}
