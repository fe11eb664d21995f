#!/usr/bin/env bash
# Deletes an installation with all its tenants and data from the AWS account of the current credentials.
usage() {
  cat <<'TEXT'
Usage: scripts/cleanup/cleanup.sh [options]

Deletes an installation from an AWS account: offboards the tenants, then deletes stacks, stores, keys, user pools and
repositories. The data cannot be restored. Asks for confirmation first. Deletes only what the installation created: stacks
with its tag, what they retained, and nothing else. Ends with a list of what is left and why. Run it again after a failure.

Options:
  --environment NAME  delete another environment; 1 to 12 lower-case letters and digits (default: main)
  --dry-run           print what would be deleted, but change nothing
  --help              print this text

Environment variables:
  SKIP_CONFIRM        any value: do not ask for confirmation

Prerequisites: Node 24, npm ci, AWS credentials that may delete all of this, and a region (AWS_REGION, or the region of the
profile).
TEXT
}

ACCEPTS='older-environment'
# shellcheck source=scripts/lib/installation.sh
. "$(dirname "$0")/../lib/installation.sh"
parse_options "$@"
require_aws

if [ $dry_run = yes ]; then exec node scripts/cleanup/cleanup.ts --environment "$environment" --dry-run; fi
if [ -z "${SKIP_CONFIRM:-}" ]; then
  printf "This deletes environment '%s' with all tenants and data from account %s in %s for good.\n" \
    "$environment" "$account_id" "$AWS_REGION"
  printf 'Type the name of the environment to confirm: '
  read -r answer || answer=''
  [ "$answer" = "$environment" ] || { echo 'Not confirmed. Nothing was changed.' >&2; exit 1; }
fi
exec node scripts/cleanup/cleanup.ts --environment "$environment"
