# shellcheck shell=bash
# Builds and pushes the images of a release. Source it after installation.sh; build_images is what scripts call. It uses the
# variables that installation.sh sets, and registry, the registry with the prefix of the repositories:
# shellcheck disable=SC2154

IMAGES='orders products users ingress'

# Builds and pushes the images that the registry does not have.
build_images() {
  local name wanted
  wanted=$(missing_images)
  if [ -z "$wanted" ]; then
    echo "The registry has all images of release $release."
  elif [ -z "$engine" ]; then
    # shellcheck disable=SC2086
    run node scripts/aws/build-remotely.ts --environment "$environment" --release "$release" $wanted
  else
    log_in
    [ "$from_scratch" = no ] || run node scripts/build.ts --if-stale
    for name in $wanted; do
      if [ "$from_scratch" = yes ]; then build_from_scratch "$name"; else build_with_dockerfile "$name"; fi
      push "$registry/$name:$release"
    done
  fi
}

# The images that the registry does not have under this release. An emulated registry has none.
missing_images() {
  if is_emulated || [ "$dry_run" = yes ]; then printf '%s' "$IMAGES"
  else
    # shellcheck disable=SC2086
    node scripts/aws/missing-images.ts --prefix "$prefix" --release "$release" $IMAGES
  fi
}

# Whether the account is on this machine, where containers find local images.
is_emulated() { case ${AWS_ENDPOINT_URL:-} in http://127.0.0.1:* | http://localhost:*) ;; *) return 1 ;; esac; }

log_in() {
  is_emulated && return
  echo "+ node scripts/aws/registry-password.ts | $engine login --username AWS --password-stdin ${registry%%/*}"
  [ "$dry_run" = yes ] || node scripts/aws/registry-password.ts | "$engine" login --username AWS --password-stdin "${registry%%/*}"
}

# The images run on the architecture of the configuration.
build_with_dockerfile() {
  # shellcheck disable=SC2046
  run "$engine" build $(format) --file services/Dockerfile --build-arg "SERVICE=$1" --platform "$(image_platform)" \
    --tag "$(local_tag "$1")" .
}

image_platform() { node scripts/aws/image-platform.ts; }

# As services/Dockerfile, without its base images; see scripts/images/from-scratch.ts.
build_from_scratch() {
  local folder=dist/images/$1
  run node scripts/images/prepare.ts "$1" "$folder"
  # shellcheck disable=SC2046
  run "$engine" build $(format) --quiet --tag "$(local_tag "$1")" --file "$folder/Containerfile" "$folder"
  run rm -r "$folder"
}

# The name of an image on this machine. The rehearsal's accounts share an engine, and no image.
local_tag() { printf '%s%s/%s:%s' "${TIERPLANE_IMAGE_PREFIX:-}" "$registry" "$1" "$release"; }

# Only Docker's format has a health check. Docker knows no other one, and no option for it.
format() { [ "$engine" != podman ] || echo '--format docker'; }

push() {
  if is_emulated; then echo "The registry is emulated: $1 stays on this machine."
  else run "$engine" push "$1"; fi
}
