#!/usr/bin/env bash
# Creates the image registry of an environment and fills it with the images of the services and of ingress.
usage() {
  cat <<'TEXT'
Usage: scripts/build-application.sh [options]

Installs the stack registry-stack into an AWS account, builds the images of the services and of ingress, and pushes them. Run
it before scripts/init-install.sh. Tags are immutable: an image that the registry has under this release is not built again.

Docker builds the images (DOCKER_HOST, or the local engine), else podman, else AWS CodeBuild in the account.

Options:
  --release NAME      the tag of the images: 1 to 64 lower-case letters, digits and . _ - (default: the version of the package)
  --environment NAME  another environment; 1 to 11 lower-case letters and digits (default: main)
  --from-scratch      build without a base image, from this machine's Node and its libraries, for this machine's architecture.
                      Needs Linux and an engine
  --dry-run           check the prerequisites and print the commands, but change nothing
  --help              print this text

Prerequisites: Node 24 (npm ci installs it on Linux), npm ci, AWS credentials that may deploy with the AWS CDK, and a region.
In an emulated account (AWS_ENDPOINT_URL on this machine) images are built but not pushed.
TEXT
}

ACCEPTS='engine --release --from-scratch'
# shellcheck source=scripts/lib/installation.sh
. "$(dirname "$0")/lib/installation.sh"
# shellcheck source=scripts/lib/images.sh
. "$(dirname "$0")/lib/images.sh"
parse_options "$@"
default_release
require_aws
find_engine
[ $from_scratch = no ] || [ -n "$engine" ] || fail '--from-scratch needs Docker or podman'

synthesize
bootstrap
deploy "$assembly-registry-outputs.json" registry-stack
registry=$account_id.dkr.ecr.$AWS_REGION.amazonaws.com/$prefix
build_images
end_dry_run
echo "Built release $release of $IMAGES."
