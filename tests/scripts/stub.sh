#!/usr/bin/env bash
# Stands in for kubectl, flux, kind, terraform, doctl, helm, git and age-keygen: records each call in $STUB/calls and keeps,
# in files of $STUB, as much of a world as the scripts look at. A call that matches the pattern $STUB_FAIL fails.
set -euo pipefail
tool=${0##*/}
call="$tool $*"
# Read to its end first, so that two calls of one pipe are recorded in its order.
input=''
case $call in *' --filename -') input=$(cat) ;; esac
printf '%s\n' "$call" >>"$STUB/calls"
# shellcheck disable=SC2254 # a pattern on purpose
case $call in ${STUB_FAIL:-none}) echo "stub: this call fails" >&2; exit 1 ;; esac

lines() { cat "$STUB/$1" 2>/dev/null || true; }
add() { lines "$1" | grep -Fqx -- "$2" || printf '%s\n' "$2" >>"$STUB/$1"; }
drop() { lines "$1" | { grep -Fvx -- "$2" || true; } >"$STUB/new" && mv "$STUB/new" "$STUB/$1"; }
is() { [ -e "$STUB/$1" ]; }

# The context of a call of kubectl or flux, taken off its arguments.
context=''
if [ "${1:-}" = --context ]; then context=$2 && shift 2; fi

# What `flux bootstrap` brings: the layers of a fleet with one app on Kafka.
install_flux() {
  printf '%s\n' 'flux-system ' 'apps-web kafka' 'infra-configs infra-controllers' 'infra-controllers ' \
    'kafka infra-configs' >"$STUB/layers"
  local path="clusters/${context##*-}"
  case $call in *' --path='*) path=${call#* --path=} ;; esac
  printf '%s\n' "./${path%% *}" >"$STUB/path"
  printf '%s\n' ssh://git@github.com/example/fleet >"$STUB/url"
  printf '%s\n' kafka/data-events-0 >"$STUB/claims"
  printf '%s\n' pvc-1 >"$STUB/volumes"
  printf '%s\n' envoy-gateway-system/envoy >"$STUB/balancers"
}

case "$tool $*" in
  'kind version') echo "${STUB_KIND:-kind v0.33.0 go1.26.0 linux/amd64}" ;;
  'kind get clusters') lines kind ;;
  'kind create cluster --name '*) add kind "$4" && add contexts "kind-$4" ;;
  'kind delete cluster --name '*) drop kind "$4" && drop contexts "kind-$4" && rm -f "$STUB"/{layers,claims,volumes,balancers} ;;
  'terraform version') echo 'Terraform v1.11.4' ;;
  'terraform '*' apply '*) add doks "fleet-$(printf '%s' "$*" | sed 's/.*\["\(.*\)"\].*/\1/')" ;;
  'terraform '*' destroy '*) drop doks "fleet-$(printf '%s' "$*" | sed 's/.*\["\(.*\)"\].*/\1/')" ;;
  'terraform '*) ;;
  'doctl kubernetes cluster list '*) lines doks ;;
  'doctl kubernetes cluster kubeconfig save '*) add contexts "do-${5##*-}-$5" ;;
  'flux --version') echo "${STUB_FLUX:-flux version 2.9.4}" ;;
  'flux bootstrap git '*) is layers || install_flux ;;
  'flux suspend '* | 'flux create secret '*) ;;
  'flux uninstall --silent') rm -f "$STUB/layers" ;;
  'helm version --short') echo 'v3.18.0+g1' ;;
  'helm '*) ;;
  'git ls-remote '*) lines branches | grep -Fqx -- "${*: -1}" ;;
  'age-keygen -y '*) lines public ;;
  'kubectl config get-contexts --output name') lines contexts ;;
  'kubectl get nodes '*providerID*)
    if is nodes; then lines nodes; else
      case $context in kind-*) echo "kind://docker/${context#kind-}/${context#kind-}-control-plane" ;; *) echo digitalocean://4711 ;; esac
    fi
    ;;
  'kubectl get nodes '*region*) if is region; then lines region; else echo fra1; fi ;;
  'kubectl get customresourcedefinition '*) if is layers; then echo "$3"; fi ;;
  'kubectl get kustomizations'*' flux-system '*spec.path*) lines path ;;
  'kubectl get gitrepositories'*) lines url ;;
  'kubectl get kustomizations'*dependsOn*) lines layers ;;
  'kubectl get kustomizations'*status*) echo 'Kafka/kafka/events: timeout' ;;
  'kubectl get kustomizations'*'--output name') lines layers | grep -q "^${2#*/} " && echo "$2" || true ;;
  'kubectl get namespace flux-system '*) if is namespace; then echo namespace/flux-system; fi ;;
  'kubectl create namespace flux-system') touch "$STUB/namespace" ;;
  'kubectl get secret '*) ;;
  # As the real one does: the content of the file, in a manifest on stdout.
  'kubectl create secret generic sops-age '*) printf 'kind: Secret\nstringData:\n  age.agekey: %s\n' "$(cat "$STUB/keys.txt")" ;;
  'kubectl apply '*'--filename -') printf '%s\n' "$input" >"$STUB/applied" ;;
  'kubectl apply '*) install_flux ;;
  'kubectl wait '*) ;;
  'kubectl get persistentvolumeclaims '*) lines claims ;;
  'kubectl get persistentvolumes '*custom-columns*) echo 'VOLUME CLAIM HANDLE' ;;
  'kubectl get persistentvolumes '*) lines volumes ;;
  'kubectl patch persistentvolume '*) ;;
  'kubectl delete persistentvolumeclaims '*) rm -f "$STUB"/{claims,volumes} ;;
  'kubectl get services '*) lines balancers ;;
  'kubectl patch kustomizations'*) ;;
  'kubectl delete kustomizations'*)
    lines layers | { grep -v "^${2#*/} " || true; } >"$STUB/new" && mv "$STUB/new" "$STUB/layers"
    if [ "${2#*/}" = infra-configs ] && ! is sticky; then rm -f "$STUB/balancers"; fi
    ;;
  'kubectl delete '*) ;;
  'kubectl get httproutes'*) printf '%s\n' web.example.com web.example.com ;;
  'kubectl get ingresses '*) ;;
  'kubectl get gateways'*) echo 198.51.100.7 ;;
  *) echo "stub: nobody said what \`$call\` does" >&2; exit 64 ;;
esac
