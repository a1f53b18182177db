#!/usr/bin/env bash
# One Apache Kafka broker (KRaft) for tests: scripts/kafka.sh start|stop|kill|freeze|thaw|status|secure|grant USER:TYPE:NAME:OPERATIONS...
#
# Takes an installed Kafka ($KAFKA_HOME, or kafka-server-start.sh on the path), else the server's jars by Maven, else Docker.
# Everything is under target/kafka; `start` prints the bootstrap address as its last line, and keeps the data of the last run
# unless KAFKA_FRESH=1. A second listener has TLS and SCRAM: `secure` prints its address and the file of the certificate to be
# trusted. Its users are `trades`, `candles` and `nobody`, each with `password-of-NAME`, and may do what `grant` allows. Docker has no such listener.
set -euo pipefail
cd "$(dirname "$0")/.."

version=4.1.1
home=${KAFKA_DIR:-$PWD/target/kafka}
port=${KAFKA_PORT:-19092}
controller=$((port + 1))
secure=$((port + 2))
store=$home/broker.p12
# Of a key that is made here, for a broker that listens on the loopback interface alone.
store_password=changeit
image=apache/kafka:$version
container=gitops-gen-kafka-$port

say() { printf 'kafka: %s\n' "$*" >&2; }
is_up() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
pid() { [ -f "$home/pid" ] && kill -0 "$(cat "$home/pid")" 2>/dev/null && cat "$home/pid"; }

# Prints the class path of the server, fetching it where it is not there; nothing when there is neither Kafka nor Maven.
class_path() {
  local starter
  if [ -n "${KAFKA_HOME:-}" ] && [ -d "$KAFKA_HOME/libs" ]; then
    printf '%s/libs/*' "$KAFKA_HOME"
  elif starter=$(command -v kafka-server-start.sh); then
    printf '%s/../libs/*' "$(dirname "$(readlink -f "$starter")")"
  elif command -v mvn >/dev/null && command -v java >/dev/null; then
    if [ ! -f "$home/lib/.complete-$version" ]; then
      say "fetching the jars of Kafka $version by Maven"
      mkdir -p "$home/lib"
      cat >"$home/pom.xml" <<XML
<project><modelVersion>4.0.0</modelVersion><groupId>local</groupId><artifactId>kafka</artifactId><version>0</version><packaging>pom</packaging>
<dependencies>
 <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
 <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
XML
      mvn -q -B -f "$home/pom.xml" dependency:copy-dependencies -DoutputDirectory="$home/lib" >&2
      touch "$home/lib/.complete-$version"
    fi
    printf '%s/lib/*' "$home"
  fi
}

write_properties() {
  cat >"$home/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,SECURE://127.0.0.1:$secure,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port,SECURE://127.0.0.1:$secure
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.ssl.keystore.type=PKCS12
listener.name.secure.ssl.keystore.location=$store
listener.name.secure.ssl.keystore.password=$store_password
listener.name.secure.ssl.key.password=$store_password
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
log.dirs=$home/data
auto.create.topics.enable=false
num.partitions=4
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
log.retention.check.interval.ms=2000
PROPERTIES
}

# A certificate for the loopback interface that vouches for itself.
make_certificate() {
  rm -f "$store"
  keytool -genkeypair -alias broker -keyalg EC -groupname secp256r1 -validity 3650 -dname CN=localhost -ext bc=ca:true \
    -ext san=ip:127.0.0.1,dns:localhost -storetype PKCS12 -keystore "$store" -storepass "$store_password" 2>/dev/null
  keytool -exportcert -rfc -alias broker -keystore "$store" -storepass "$store_password" >"$home/ca.pem" 2>/dev/null
}

start_java() {
  local classes=$1
  mkdir -p "$home"
  if [ "${KAFKA_FRESH:-}" = 1 ]; then rm -rf "$home/data"; fi
  [ -s "$home/ca.pem" ] || make_certificate
  write_properties
  if [ ! -f "$home/data/meta.properties" ]; then
    local id user users=()
    for user in trades candles nobody; do users+=(--add-scram "SCRAM-SHA-512=[name=$user,password=password-of-$user]"); done
    id=$(java -cp "$classes" kafka.tools.StorageTool random-uuid 2>/dev/null)
    java -cp "$classes" kafka.tools.StorageTool format --cluster-id "$id" --standalone \
      --config "$home/server.properties" "${users[@]}" >"$home/format.log" 2>&1
  fi
  java -Xmx512m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$classes" \
    kafka.Kafka "$home/server.properties" >"$home/server.log" 2>&1 </dev/null &
  echo $! >"$home/pid"
}

start_docker() {
  docker run --detach --rm --name "$container" --network host \
    --env KAFKA_NODE_ID=1 --env KAFKA_PROCESS_ROLES=broker,controller \
    --env "KAFKA_LISTENERS=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller" \
    --env "KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:$port" \
    --env KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER \
    --env KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT \
    --env "KAFKA_CONTROLLER_QUORUM_VOTERS=1@127.0.0.1:$controller" \
    --env KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1 --env KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR=1 \
    --env KAFKA_TRANSACTION_STATE_LOG_MIN_ISR=1 --env KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS=0 \
    --env KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS=1000 --env KAFKA_AUTO_CREATE_TOPICS_ENABLE=false "$image" >/dev/null
}

start() {
  if is_up; then say "already up"; echo "127.0.0.1:$port"; return; fi
  local classes
  classes=$(class_path)
  if [ -n "$classes" ]; then
    say "starting ${classes%/\*}"
    start_java "$classes"
  elif command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    say "starting $image in Docker"
    start_docker
  else
    say "no Kafka: neither an installed one, nor Java with Maven, nor Docker"
    exit 3
  fi
  for _ in $(seq 240); do
    if is_up; then echo "127.0.0.1:$port"; return; fi
    if [ -n "$classes" ] && ! pid >/dev/null; then break; fi
    sleep 0.5
  done
  say "it did not come up; the end of its log:"
  tail -20 "$home/server.log" >&2 || true
  exit 1
}

stop() {
  local running
  if running=$(pid); then
    kill "$1" "$running" || true
    while kill -0 "$running" 2>/dev/null; do sleep 0.2; done
    rm -f "$home/pid"
  elif command -v docker >/dev/null && docker inspect "$container" >/dev/null 2>&1; then
    docker stop "$container" >/dev/null
  fi
}

case "${1:-}" in
  start) start ;;
  stop) stop -TERM ;;
  kill) stop -KILL ;;
  freeze) kill -STOP "$(pid)" ;;
  thaw) kill -CONT "$(pid)" ;;
  secure) [ -s "$home/ca.pem" ] && pid >/dev/null && echo "127.0.0.1:$secure $home/ca.pem" ;;
  grant) shift && java -cp "$(class_path)" scripts/kafka/Grant.java "127.0.0.1:$port" "$@" 2>/dev/null ;;
  status) if is_up; then echo "127.0.0.1:$port"; else exit 1; fi ;;
  *) sed -n 's/^# \{0,1\}//p' "$0" | head -8 >&2; exit 64 ;;
esac
