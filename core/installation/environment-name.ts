/** The longest name with which every name that contains it is short enough for AWS: `test/infra/physical-names.test.ts`. */
export const MAX_ENVIRONMENT_LENGTH = 11;

/** The name of an installation in an AWS account. scripts/lib/installation.sh has the same pattern, and a test compares them. */
export const ENVIRONMENT_NAME = new RegExp(`^[a-z][a-z0-9]{0,${MAX_ENVIRONMENT_LENGTH - 1}}$`);

/** The rule in words, for the end of `<subject> ...`. */
export const ENVIRONMENT_RULE = `must be 1 to ${MAX_ENVIRONMENT_LENGTH} lower-case letters and digits and start with a letter`;
