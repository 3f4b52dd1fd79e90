// The modules that the custom resource definitions come from; apart from the programs', which would otherwise be built
// with later versions of what both need. Nothing here is compiled, so `go mod tidy` would empty this file:
// `go get istio.io/api@VERSION` moves a version.
module vigla.dev/tests/control-plane/crds

go 1.26.0

require (
	github.com/cert-manager/cert-manager v1.21.2
	istio.io/api v1.31.1
	sigs.k8s.io/gateway-api v1.6.3
)
