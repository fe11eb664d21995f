import { mayAssume } from './iam/evaluate.ts';
import type { ChangeableTemplate, HomeTemplates } from './iam/home.ts';
import { listOf, type PolicyDocument, type PolicyStatement } from './iam/policy.ts';
import { ACCOUNT, type DeployedTemplate, REGION } from './iam/template.ts';

const FOREIGN = '999988887777';
/** The property of each type that holds a policy about its callers. */
const POLICIES: Readonly<Record<string, string>> = {
  'AWS::SQS::QueuePolicy': 'PolicyDocument',
  'AWS::SNS::TopicPolicy': 'PolicyDocument',
  'AWS::S3::BucketPolicy': 'PolicyDocument',
  'AWS::KMS::Key': 'KeyPolicy',
};

/** A statement that lets a service of AWS call a resource of the template. */
interface Permission {
  /** Logical id of the resource, and the number of the statement. */
  readonly name: string;
  readonly statement: PolicyStatement;
}

/** The permissions by which a service of AWS could act on another account's behalf. */
export function foreignCallers(template: DeployedTemplate): string[] {
  return permissionsIn(template).flatMap(({ name, statement }) => (admitsForeign(statement) ? [name] : []));
}

/** For each permission, a copy of the stack's template in which it says nothing about the source of a request. */
export function withoutSource(
  home: HomeTemplates,
  stack: string,
): { readonly permission: string; readonly changed: DeployedTemplate }[] {
  const bySource = permissionsIn(home.stack(stack)).filter(({ statement }) => !isOwnLogFolder(statement));
  return bySource.map(({ name }) => ({
    permission: name,
    changed: home.changed(stack, (copy) => removeSource(copy, name)),
  }));
}

function removeSource({ Resources }: ChangeableTemplate, permission: string): void {
  const [id = '', index] = permission.split(' ');
  const { Type, Properties } = Resources[id] ?? {};
  if (Type === 'AWS::Lambda::Permission') {
    delete Properties.SourceArn;
    delete Properties.SourceAccount;
  } else delete Properties[POLICIES[Type ?? ''] ?? ''].Statement[Number(index)].Condition;
}

function permissionsIn(template: DeployedTemplate): Permission[] {
  const ofFunctions = template.idsOf('AWS::Lambda::Permission').map((id) => {
    const { Principal, SourceArn, SourceAccount, Action } = template.propertiesOf(id) as Record<string, string>;
    const source = {
      ...(SourceArn !== undefined && { ArnLike: { 'aws:SourceArn': SourceArn } }),
      ...(SourceAccount !== undefined && { StringEquals: { 'aws:SourceAccount': SourceAccount } }),
    };
    const statement = { Effect: 'Allow', Action, Principal: { Service: Principal }, Condition: source };
    return { name: `${id} 0`, statement: statement as PolicyStatement };
  });
  const ofPolicies = Object.entries(POLICIES).flatMap(([type, property]) =>
    template.idsOf(type).flatMap((id) => {
      const { Statement } = template.propertiesOf(id)[property] as PolicyDocument;
      return listOf(Statement).map((statement, i) => ({ name: `${id} ${i}`, statement }));
    }),
  );
  return [...ofFunctions, ...ofPolicies].filter(({ statement }) => serviceOf(statement) !== undefined);
}

function serviceOf({ Effect, Principal }: PolicyStatement): string | undefined {
  if (Effect !== 'Allow' || Principal === undefined || Principal === '*') return undefined;
  return listOf(Principal.Service)[0];
}

function admitsForeign(statement: PolicyStatement): boolean {
  if (isOwnLogFolder(statement)) return false;
  const service = serviceOf(statement) ?? '';
  const [action = ''] = listOf(statement.Action);
  const context = { 'aws:SourceAccount': FOREIGN, 'aws:SourceArn': foreignArn(statement) };
  return mayAssume({ Statement: statement }, { service }, action, context);
}

/** The ARN that the statement names, in the other account. */
function foreignArn({ Condition = {} }: PolicyStatement): string {
  const keys = Object.values(Condition).flatMap((one) => Object.entries(one));
  const own = keys.find(([key]) => key.toLowerCase() === 'aws:sourcearn')?.[1] ?? '';
  const [arn = ''] = listOf(own);
  return arn.includes(ACCOUNT)
    ? arn.replace(ACCOUNT, FOREIGN).replaceAll('*', 'x')
    : `arn:aws:events:${REGION}:${FOREIGN}:rule/x`;
}

/** Load balancers write the logs of an account to the folder with the account's number only. */
function isOwnLogFolder({ Resource }: PolicyStatement): boolean {
  const resources = listOf(Resource);
  return resources.length > 0 && resources.every((one) => one.endsWith(`/AWSLogs/${ACCOUNT}/*`));
}
