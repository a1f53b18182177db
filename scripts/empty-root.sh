#!/usr/bin/env bash
# Runs the images' programs without an image: scripts/empty-root.sh [DIRECTORY OF trades, candles AND mock-broker]
#
# The root of each holds what workers/Dockerfile copies and what its base image has (the C library, libgcc, the authorities' certificates, two users), is
# mounted read-only, and the program is user 65532 without any right. What it would lack in its container, it lacks here. Needs Linux and root, or
# user namespaces. The C library is this machine's: it shows which libraries are needed, not which version.
set -euo pipefail
cd "$(dirname "$0")/.."
binaries=$(cd "${1:-target/debug}" && pwd)

# A mount namespace of our own, which ends with us.
if [ -z "${EMPTY_ROOT_INSIDE:-}" ]; then
  export EMPTY_ROOT_INSIDE=1
  if [ "$(id -u)" = 0 ]; then exec unshare --mount "$0" "$binaries"; fi
  exec unshare --user --map-root-user --mount "$0" "$binaries"
fi

work=$(mktemp -d)
children=()
clean() {
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait
  umount --quiet "$work"/*/root 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT
chroot=$(command -v chroot)
fail() { printf 'empty-root: %s\n' "$*" >&2; exit 1; }

# The libraries of gcr.io/distroless/cc-debian12 that a Rust program can need.
provided='ld-linux-x86-64.so.2 ld-linux-aarch64.so.1 libc.so.6 libdl.so.2 libgcc_s.so.1 libm.so.6 libpthread.so.0 librt.so.1'

# Builds the root of a target, and prints its directory.
build_root() {
  local target=$1 root=$work/$1/root source place library
  mkdir -p "$root"/{etc/ssl/certs,proc,tmp}
  printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$root/etc/passwd"
  cp --dereference /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  # The lines of the stage: from its FROM to the next.
  while read -r source place; do
    install -D "$binaries/$(basename "$source")" "$root$place"
    while read -r library; do
      [[ " $provided " == *" $(basename "$library") "* ]] || fail "$target needs $library, which the image does not have"
      install -D "$library" "$root$library"
    done < <(ldd "$root$place" | grep -o '/[^ ]*')
  done < <(sed -n "/^FROM .* AS $target\$/,/^FROM/s/^COPY --from=build \([^ ]*\) \([^ ]*\)\$/\1 \2/p" workers/Dockerfile)
  [ -x "$root/usr/local/bin/$target" ] || fail "no stage of workers/Dockerfile copies $target"
  mount --bind "$root" "$root"
  mount -o remount,bind,ro "$root"
}

# Sets `line` to what runs the program of a target with the variables given, and nothing of ours. It replaces itself step by step, so that a signal to it is
# one to the program.
prepare() {
  local target=$1
  shift
  line=(env --ignore-environment "$@" "$chroot" --userspec=65532:65532 "$work/$target/root" "/usr/local/bin/$target")
}

for target in trades candles; do build_root "$target"; done
# It ends with its input, and that with us.
tail --follow /dev/null --pid=$$ | "$binaries/mock-broker" in:2 out:2 in.dlq:1 in.late:1 >"$work/address" &
children+=($!)
until [ -s "$work/address" ]; do sleep 0.1; done
broker=KAFKA_BROKER_ADDRESS=$(cat "$work/address")

for target in trades candles; do
  prepare "$target"
  "${line[@]}" --print-env | grep -q "^$target:" || fail "$target --print-env prints no contract"
done

echo "empty-root: the exchange is believed with the certificates of the image, and without them nothing starts"
prepare trades "$broker" KAFKA_TOPIC_NAME=in LOG_FORMAT=text
"${line[@]}" --check || fail "trades --check"
prepare trades "$broker" KAFKA_TOPIC_NAME=in SSL_CERT_FILE=/etc/passwd
if "${line[@]}" --check 2>"$work/refusal"; then fail "no certificates, and trades starts"; fi
# shellcheck disable=SC2016 # The backquotes are those of the message.
grep -q 'SSL_CERT_FILE is `/etc/passwd`' "$work/refusal" || fail "$(cat "$work/refusal")"

echo "empty-root: trades go in, candles come out"
prepare trades "$broker" KAFKA_TOPIC_NAME=in SOURCE=synthetic COUNT=200000 RATE=0 HTTP_ADDR=127.0.0.1:0 LOG_FORMAT=text
"${line[@]}" || fail "trades"
port=$((20000 + RANDOM % 20000))
prepare candles "$broker" KAFKA_INPUT_TOPIC=in KAFKA_OUTPUT_TOPIC=out KAFKA_CONSUMER_GROUP=g CANDLE_SECONDS=10 LOG_FORMAT=text \
  HTTP_ADDR=127.0.0.1:$port
"${line[@]}" 2>"$work/log" &
candles=$!
children+=("$candles")
page() { (exec 3<>"/dev/tcp/127.0.0.1/$port" && printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&3 && cat <&3) 2>/dev/null || true; }
emitted=0
for _ in $(seq 300); do
  emitted=$(page /metrics | sed -n 's/^candles_emitted_total{kind="final"} //p')
  [ "${emitted:-0}" -gt 0 ] && [[ $(page /readyz) == *' 200 '* ]] && break
  sleep 0.1
done
[ "${emitted:-0}" -gt 0 ] || fail "no candle: $(cat "$work/log")"
kill -TERM "$candles"
wait "$candles" || fail "SIGTERM does not drain: $(cat "$work/log")"
echo "empty-root: $emitted candles, and a clean end"
