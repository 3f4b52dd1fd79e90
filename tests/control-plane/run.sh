#!/usr/bin/env bash
# A Kubernetes API server with an etcd of its own, for as long as standard input stays open: whoever starts it with a
# pipe there can die as it likes, and nothing is left behind. In a terminal, Ctrl-D ends it.
# Prints the path of a kubeconfig once the server is ready. Its users are `admin`, who may do everything, and `alice`
# and `bob`, who may do nothing yet. The line `keep` on standard input keeps the logs.
# usage: run.sh [PORT]   the port to try first
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
assets=${KUBEBUILDER_ASSETS:-$(cd ../.. && pwd)/target/control-plane/bin}
for program in etcd kube-apiserver kubectl; do
  if [ ! -x "$assets/$program" ]; then
    echo "error: no $program in $assets; tests/control-plane/build.sh builds it" >&2
    exit 1
  fi
done
# what listens here is reached directly
unset HTTP_PROXY HTTPS_PROXY http_proxy https_proxy

folder=$(mktemp -d "${TMPDIR:-/tmp}/vigla-control-plane-XXXXXX")
port=${1-}
keep=
etcd=
apiserver=

finish() {
  # not asked to stop: what they hold is thrown away
  kill -KILL $etcd $apiserver 2>/dev/null || true
  wait 2>/dev/null
  if [ -z "$keep" ]; then
    rm -rf "$folder"
  else
    find "$folder" -mindepth 1 ! -name '*.log' -delete
    echo "the control plane's logs are in $folder" >&2
  fi
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
trap '' PIPE # whoever started this may be gone before the server is ready

fail() {
  keep=yes
  echo "error: $*" >&2
  exit 1
}

# Waits a moment for a word on standard input, and leaves at its end.
listen() {
  local word='' code=0
  read -r -t 0.2 word || code=$?
  if [ "$word" = keep ]; then keep=yes; fi
  if [ "$code" -eq 1 ]; then exit 0; fi
}

user() {
  local token
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  echo "$token,$1,$1,\"$2\"" >>"$folder/tokens"
  echo "- {name: $1, user: {token: $token}}"
}

write_users() {
  echo "users:"
  user admin system:masters
  user alice tenants
  user bob tenants
}

write_kubeconfig() {
  cat <<END >"$folder/kubeconfig"
apiVersion: v1
kind: Config
clusters:
- {name: test, cluster: {server: "https://127.0.0.1:$port", certificate-authority: "$folder/certificates/apiserver.crt"}}
contexts:
- {name: test, context: {cluster: test, user: admin}}
current-context: test
$users
END
}

# Speaks through a socket in the folder: no port to be taken, and nobody else gets in, for it asks for no password.
start_etcd() {
  "$assets/etcd" --data-dir "$folder/etcd" --unsafe-no-fsync \
    --listen-client-urls "unix://$folder/etcd.sock" --advertise-client-urls http://localhost:2379 \
    --listen-peer-urls "unix://$folder/peer.sock" >"$folder/etcd.log" 2>&1 &
  etcd=$!
}

# The key of the certificate that it makes for itself signs the service accounts' tokens too.
start_apiserver() {
  "$assets/kube-apiserver" --etcd-servers "unix://$folder/etcd.sock" \
    --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port "$port" --cert-dir "$folder/certificates" \
    --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file "$folder/certificates/apiserver.key" \
    --service-account-signing-key-file "$folder/certificates/apiserver.key" \
    --token-auth-file "$folder/tokens" --authorization-mode RBAC --allow-privileged \
    --endpoint-reconciler-type none --service-cluster-ip-range 10.0.0.0/24 \
    --disable-admission-plugins ServiceAccount >"$folder/kube-apiserver.log" 2>&1 &
  apiserver=$!
}

# Below the ports that systems give out by themselves.
free_port() {
  port=$((20000 + RANDOM % 10000))
}

is_ready() {
  KUBECACHEDIR="$folder/cache" "$assets/kubectl" --kubeconfig "$folder/kubeconfig" --request-timeout 5s \
    get --raw /readyz >/dev/null 2>&1
}

check_alive() {
  kill -0 "$etcd" 2>/dev/null || fail "etcd ended by itself"
  kill -0 "$apiserver" 2>/dev/null || fail "kube-apiserver ended by itself"
}

users=$(write_users)
if [ -z "$port" ]; then free_port; fi
start_etcd
start_apiserver
write_kubeconfig
until is_ready; do
  listen
  if ! kill -0 "$apiserver" 2>/dev/null && grep -q 'address already in use' "$folder/kube-apiserver.log"; then
    free_port
    start_apiserver
    write_kubeconfig
  fi
  check_alive
done
echo "$folder/kubeconfig" 2>/dev/null || exit 0
while check_alive; do listen; done
