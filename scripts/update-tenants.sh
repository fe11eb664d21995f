#!/usr/bin/env bash
# Updates the tenants of an installation to its release, one after the other.
usage() {
  cat <<'TEXT'
Usage: scripts/update-tenants.sh [options]

Updates the tenants with services of their own to a release that is installed (scripts/install.sh --release NAME). Skips
tenants that have it. Stops at the first tenant whose update fails: its previous release keeps serving.

Options:
  --release NAME      stop if the installed release is another one (default: whichever is installed)
  --environment NAME  another environment; 1 to 11 lower-case letters and digits (default: main)
  --dry-run           print the commands, but change nothing
  --help              print this text

Prerequisites: Node 24, npm ci, AWS credentials that may read the stacks and the client for scripts, and a region.
TEXT
}

ACCEPTS='--release'
# shellcheck source=scripts/lib/installation.sh
. "$(dirname "$0")/lib/installation.sh"
parse_options "$@"
require_aws

set -- --environment "$environment"
[ -z "$release" ] || set -- "$@" --release "$release"
[ $dry_run = no ] || set -- "$@" --dry-run
exec node scripts/aws/update-tenants.ts "$@"
