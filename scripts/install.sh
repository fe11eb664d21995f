#!/usr/bin/env bash
# Installs the whole product into the AWS account of the current credentials.
usage() {
  cat <<'TEXT'
Usage: scripts/install.sh <admin_email> [options]

Installs control plane, application plane and sites into an AWS account and invites <admin_email> as the first system
administrator. Runs scripts/build-application.sh, scripts/init-install.sh and scripts/sbt-install.sh. Run it again after a
failure, or to update the installation; scripts/cleanup/cleanup.sh deletes it.

Options:
  --release NAME      the release to build and install (default: the version of the package)
  --environment NAME  another environment; 1 to 11 lower-case letters and digits (default: main)
  --require-mfa       require a second factor of every administrator
  --from-scratch      build images for this machine's architecture without base images; see scripts/build-application.sh
  --dry-run           check the prerequisites and print the commands, but change nothing
  --help              print this text

Prerequisites: Node 24 (npm ci installs it on Linux), npm ci, AWS credentials that may deploy with the AWS CDK (AWS_PROFILE,
or keys in the environment), and a region (AWS_REGION, or the region of the profile). A container engine is not needed; see
scripts/build-application.sh. The file aws.json configures the installation; see docs/configuration.md.
TEXT
}

ACCEPTS='email engine --release --require-mfa --from-scratch'
# shellcheck source=scripts/lib/installation.sh
. "$(dirname "$0")/lib/installation.sh"
parse_options "$@"
default_release
require_aws
find_engine

synthesize
bootstrap
# The scripts below find the account checked and the stacks synthesized.
export TIERPLANE_ACCOUNT_ID=$account_id TIERPLANE_ASSEMBLY=$assembly
set -- --environment "$environment" --release "$release"
[ $dry_run = no ] || set -- "$@" --dry-run
scratch=()
[ $from_scratch = no ] || scratch=(--from-scratch)
scripts/build-application.sh "$@" ${scratch[@]+"${scratch[@]}"}
scripts/init-install.sh "$@"
scripts/sbt-install.sh "$email" "$@"
end_dry_run

cat <<TEXT

Tierplane is installed. What to do next:
  1. Open the mail to $email. It has the temporary password of the user admin.
  2. Sign in with it: npx tierplane login --aws $environment
  3. Onboard a tenant with tierplane tenants create --aws $environment; its --help has examples.
  4. Mails are sent from $email. Verify the address in Amazon SES: https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
Delete everything with scripts/cleanup/cleanup.sh --environment $environment
TEXT
