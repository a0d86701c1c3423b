#!/bin/sh
# Gets what images stand on, Debian's packages of the C library and of the certificate authorities for each architecture, into
# a folder. It asks the mirrors this machine's apt is set up with, which checks their signatures; root is not needed.
set -eu
[ $# -ge 2 ] || { echo "usage: base.sh FOLDER ARCHITECTURE…" >&2; exit 2; }
out=$1
shift
rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
for architecture; do
	state=$out/.apt-$architecture
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	: >"$state/status"
	apt() {
		apt-get -qq -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o Dir::State::Lists="$state/lists" \
			-o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" "$@"
	}
	apt update
	(cd "$out" && apt download libc6 ca-certificates)
	rm -rf "$state"
done
