/** The longest name with which every name that contains it is short enough for AWS: `test/infra/physical-names.test.ts`. */
export const MAX_ENVIRONMENT_LENGTH = 11;
/** The longest name that an earlier version accepted. Such an installation can still be used and deleted. */
export const MAX_INSTALLED_ENVIRONMENT_LENGTH = 12;

/**
 * The name of a new installation in an AWS account. scripts/lib/installation.sh has both patterns, and a test compares them.
 */
export const ENVIRONMENT_NAME = patternFor(MAX_ENVIRONMENT_LENGTH);
/** The name of an installation that may exist already. */
export const INSTALLED_ENVIRONMENT_NAME = patternFor(MAX_INSTALLED_ENVIRONMENT_LENGTH);

/** The rules in words, for the end of `<subject> ...`. */
export const ENVIRONMENT_RULE = ruleFor(MAX_ENVIRONMENT_LENGTH);
export const INSTALLED_ENVIRONMENT_RULE = ruleFor(MAX_INSTALLED_ENVIRONMENT_LENGTH);

function patternFor(longest: number): RegExp {
  return new RegExp(`^[a-z][a-z0-9]{0,${longest - 1}}$`);
}

function ruleFor(longest: number): string {
  return `must be 1 to ${longest} lower-case letters and digits and start with a letter`;
}
