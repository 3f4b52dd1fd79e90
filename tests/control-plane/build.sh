#!/usr/bin/env bash
# Builds what the cluster tests run against, once, into target/control-plane: bin/ with etcd, kube-apiserver and kubectl
# as go.mod pins them and helm as helm/go.mod does, crds/ with the custom resource definitions as crds/go.mod does. Needs
# Go and its module proxy, and the first time some minutes. Programs in the folder KUBEBUILDER_ASSETS are used instead, as
# envtest does; helm is none of those, and is built in any case.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
target=$(cd ../.. && pwd)/target/control-plane
export GOWORK=off

fail() {
  echo "error: $1 [only the cluster tests need this: \`cargo test\` without \`--ignored\` leaves them out]" >&2
  exit 1
}

# Go's own words go to a file; their last line is the reason where it fails.
go_or_fail() {
  local what=$1
  shift
  go "$@" 2>"$target/go.log" || fail "cannot $what: $(tail -n 1 "$target/go.log")"
}

build() {
  echo "building $1"
  go_or_fail "build $1" build -ldflags "$flags" -o "$target/bin/$1" "$2"
}

build_programs() {
  local version about=k8s.io/component-base/version flags
  version=$(go_or_fail "fetch Kubernetes" list -m -f '{{.Version}}' k8s.io/kubernetes)
  flags="-s -w -X $about.gitVersion=$version"
  flags+=" -X $about.gitMajor=$(cut -d. -f1 <<<"${version#v}") -X $about.gitMinor=$(cut -d. -f2 <<<"$version")"
  build etcd go.etcd.io/etcd/server/v3
  build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
  build kubectl k8s.io/kubernetes/cmd/kubectl
}

# In a module of its own: it is made for another version of Kubernetes' libraries.
build_helm() {
  echo "building helm"
  go_or_fail "build helm" -C helm build -ldflags "-s -w" -o "$target/bin/helm" helm.sh/helm/v4/cmd/helm
}

module() {
  go_or_fail "find $1" -C crds list -m -f '{{.Dir}}' "$1"
}

copy_crds() {
  local istio gateway cert_manager
  go_or_fail "fetch the custom resource definitions" -C crds mod download
  istio=$(module istio.io/api)
  gateway=$(module sigs.k8s.io/gateway-api)
  cert_manager=$(module github.com/cert-manager/cert-manager)
  rm -rf "$target/crds"
  mkdir "$target/crds"
  cp "$istio/kubernetes/customresourcedefinitions.gen.yaml" "$target/crds/istio.yaml"
  cp "$gateway"/config/crd/standard/*.yaml "$cert_manager"/deploy/crds/cert-manager.io_{certificates,issuers}.yaml "$target/crds"
}

assets=${KUBEBUILDER_ASSETS:-$target/bin}
want="$(cat {.,crds,helm}/go.{mod,sum} build.sh | cksum) $assets"
if [ "$(cat "$target/stamp" 2>/dev/null)" != "$want" ]; then
  command -v go >/dev/null || fail "no \`go\` in PATH: install Go 1.26 or later from https://go.dev/dl"
  mkdir -p "$target"
  if [ -z "${KUBEBUILDER_ASSETS-}" ]; then build_programs; fi
  build_helm
  copy_crds
  echo "$want" >"$target/stamp"
fi
for program in "$assets"/{etcd,kube-apiserver,kubectl} "$target/bin/helm"; do
  [ -x "$program" ] || fail "no ${program##*/} in ${program%/*}"
done
echo "etcd, kube-apiserver and kubectl are in $assets, helm in $target/bin"
