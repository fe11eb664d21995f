/** A value of a policy that may be one text or several. */
type OneOrMore = string | readonly string[];

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: '*' | Readonly<Record<string, OneOrMore>>;
  readonly Action?: OneOrMore;
  readonly NotAction?: OneOrMore;
  readonly Resource?: OneOrMore;
  readonly NotResource?: OneOrMore;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, OneOrMore>>>>;
}

/** A policy document as IAM reads it, without intrinsic functions of CloudFormation. */
export interface PolicyDocument {
  readonly Statement: PolicyStatement | readonly PolicyStatement[];
}

/** A call of AWS. */
export interface Call {
  /** `dynamodb:GetItem` */
  readonly action: string;
  /** The ARN of what the call changes or reads; `*` for an action without resources. */
  readonly resource: string;
  /** Condition keys, in any case, with their values. A list is a key with several values. @default - none */
  readonly context?: Readonly<Record<string, OneOrMore>>;
}

export function listOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as T];
}

/**
 * Whether a text matches a pattern, in which `*` stands for any characters and `?` for one.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export function matchesPattern(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}
