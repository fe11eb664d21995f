#!/usr/bin/env bash
# Installs control plane and application plane into the AWS account of the current credentials. A second run updates the stacks.
usage() {
  cat <<'TEXT'
Usage: scripts/sbt-install.sh <admin_email> [options]

Installs the stacks controlplane-stack and core-appplane-stack into an AWS account and invites <admin_email> as the first
system administrator. Run scripts/build-application.sh and scripts/init-install.sh first, or scripts/install.sh, which runs
all three.

Options:
  --control-plane-only  install the control plane alone, which needs nothing else
  --environment NAME    install another environment; 1 to 11 lower-case letters and digits (default: main)
  --release NAME        the release of the images (default: the version of the package)
  --require-mfa         require a second factor of every administrator
  --from-scratch        the images have this machine's architecture; see scripts/build-application.sh
  --dry-run             check the prerequisites and print the commands, but change nothing
  --help                print this text

Prerequisites: Node 24 (npm ci installs it on Linux), npm ci, AWS credentials that may deploy with the AWS CDK (AWS_PROFILE,
or keys in the environment), and a region (AWS_REGION, or the region of the profile). Docker, Python and the AWS CLI are not
needed. The templates are written to dist/cdk, or to the folder in TIERPLANE_CDK_OUTPUT.
TEXT
}

ACCEPTS='email --control-plane-only --release --require-mfa --from-scratch'
# shellcheck source=scripts/lib/installation.sh
. "$(dirname "$0")/lib/installation.sh"
parse_options "$@"
default_release
require_aws

synthesize
bootstrap
if [ $control_plane_only = yes ]; then deploy "$assembly-outputs.json" controlplane-stack
else deploy "$assembly-outputs.json" controlplane-stack core-appplane-stack; fi
end_dry_run

echo "Installed. The first installation sends an invitation to $email."
[ $control_plane_only = no ] || echo 'Sign in at the address in the output signIn.'
[ $control_plane_only = yes ] || node scripts/aws/addresses.ts "$environment"
echo "All outputs are in $assembly-outputs.json."
