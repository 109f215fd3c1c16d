#!/bin/sh
# A transfer between two hosts without root: in a user namespace of one's own everybody may make networks.
#
#   unshare -Urn examples/without-root.sh [FILE]
#
# This shell becomes host 1, a second network namespace host 2, with a veth pair between them. FILE (default: node itself) goes from
# host 2 to host 1 through two stacks of ours; its checksum is printed by both ends.
set -eu
cd "$(dirname "$0")/.."
file=${1:-$(command -v node)}
wasmtcp="node dist/src/cli/main.js"
[ -e dist/src/cli/main.js ] || { echo "build it first: npm ci && npm run build" >&2; exit 1; }
folder=$(mktemp -d)

unshare -n sleep 3600 &
host2=$!
receiver=
trap 'kill $host2 $receiver 2>/dev/null || true; rm -rf "$folder"' EXIT
# The namespace is there when the process is no longer in ours.
while [ "$(readlink /proc/$host2/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done

ip link add h1-eth0 type veth peer name h2-eth0 netns $host2
ip link set h1-eth0 up
nsenter -t $host2 -n ip link set h2-eth0 up

$wasmtcp receive 10001 "$folder/copy" --interface h1-eth0 --address 10.0.0.1/24 &
receiver=$!
until $wasmtcp ss $receiver 2>/dev/null | grep -q LISTEN; do kill -0 $receiver; sleep 0.1; done
nsenter -t $host2 -n $wasmtcp send 10.0.0.1 10001 "$file" --interface h2-eth0 --address 10.0.0.2/24
wait $receiver
cmp "$file" "$folder/copy" && echo "the copy is the same"
