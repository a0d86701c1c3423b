#!/bin/sh
# Installs the packages in a clean root, uses them there as the service's user, outside of any checkout, upgrades from the
# package of an earlier version, removes and purges: config follows dpkg's rules, and the data stays. The steps and figures
# are those of the demo. Needs root, dpkg and debootstrap; what a machine lacks is said, and fails.
set -eu

checkout=$(cd "$(dirname "$0")/.." && pwd)
work=$checkout/bin/test-dist
root=$work/root

fail() {
	echo "test-dist: $*" >&2
	exit 1
}

say() { printf '\n%s\n' "$*"; }

[ "$(id -u)" = 0 ] || fail "needs root, to install packages in a root of their own"
for tool in dpkg-deb chroot node; do
	command -v "$tool" >/dev/null || fail "needs $tool"
done
if ! command -v debootstrap >/dev/null; then
	apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap >/dev/null ||
		fail "needs debootstrap, for a clean root"
fi

# in_root runs a command in the root, mill runs creditmill there as the service's user, with the service's environment.
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }

mill() {
	printf '$ creditmill %s\n' "$*"
	in_root su -s /bin/sh creditmill -c 'cd /var/lib/creditmill && export CREDITMILL_CONFIG=/etc/creditmill/creditmill.yaml \
		CREDITMILL_STRIPE_KEY=sk_test_demo && exec creditmill "$@"' -- creditmill "$@" >"$work/out" 2>&1 ||
		fail "creditmill $1 ended with exit code $?: $(cat "$work/out")"
	cat "$work/out"
}

expect() { grep -Eq -- "$1" "$work/out" || fail "the output above does not show $1"; }

umount_root() {
	[ -z "${fake:-}" ] || kill "$fake" 2>/dev/null || true
	! mountpoint -q "$root/proc" || umount "$root/proc"
}

# done_with takes away what it made, 1.4 GB; test-dist that fails leaves it, to be looked at.
done_with() {
	umount_root
	trap - EXIT
	rm -rf --one-file-system "$work"
}
! mountpoint -q "$root/proc" || umount "$root/proc"
rm -rf "$work"
mkdir -p "$work"
trap umount_root EXIT
trap 'exit 130' INT TERM

say "Two versions of the packages, and a clean root of Debian."
cd "$checkout/packaging"
platform=linux/$(dpkg --print-architecture)
maintainer='test-dist <test-dist@creditmill.invalid>'
go run . -platforms "$platform" -out "$work/earlier" -version v0.0.1 -maintainer "$maintainer" -engine ''
go run . -platforms "$platform" -out "$work/later" -version v0.0.2 -maintainer "$maintainer"
(cd "$work/later" && sha256sum -c --quiet SHA256SUMS)
(cd "$checkout" && CGO_ENABLED=0 go build -o "$work/stripefake" ./invoice/stripefake/cmd/stripefake)
debootstrap --variant=minbase --include=ca-certificates,systemd "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root" \
	>"$work/debootstrap.log" 2>&1 || fail "debootstrap: $(tail -n 3 "$work/debootstrap.log")"
mount -t proc proc "$root/proc"
cp "$work"/earlier/creditmill_*.deb "$root/tmp/earlier.deb"
cp "$work"/later/creditmill_*.deb "$root/tmp/later.deb"
cp "$work"/later/creditmill-engine_*.deb "$root/tmp/engine.deb"

say "Install the earlier version, and the engine."
in_root dpkg -i /tmp/earlier.deb /tmp/engine.deb
[ "$(stat -c %a "$root/etc/creditmill/environment")" = 600 ] || fail "the file of secrets is open for others"
in_root su -s /bin/sh creditmill -c 'test ! -r /etc/creditmill/environment' || fail "the service's user reads the secrets' file"
mill version
expect '^creditmill v0\.0\.1 '
expect '^embedded ClickHouse '

say "One customer, from the free plan to a previewed invoice. Stripe's stand-in listens on this machine."
"$work/stripefake" -now 2026-10-05T12:00:00Z -stand >"$work/url" &
fake=$!
tries=0
until [ -s "$work/url" ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 100 ] || fail "the Stripe stand-in does not start"
	sleep 0.1
done
url=$(cat "$work/url")
printf 'stripe:\n  base_url: %s\n' "$url" >>"$root/etc/creditmill/creditmill.yaml"
cp "$checkout"/testdata/demo/*.jsonl "$root/var/lib/creditmill/inbox/"
chmod 644 "$root"/var/lib/creditmill/inbox/*.jsonl
stripe() {
	node "$checkout/testdata/demo/stripe.mjs" "$url" "$@" >"$work/answer" || fail "Stripe's stand-in: $(cat "$work/answer")"
}
stripe POST /v1/prices id=price_pro currency=usd unit_amount=10000 'recurring[interval]=month'
mill check
mill load /var/lib/creditmill/inbox/1-free.jsonl
expect committed
mill attach acme pro --checkout
link=$(grep -o "$url[^ \"]*" "$work/out" | head -n 1)
stripe GET "${link#"$url"}"
mill sync --yes
expect 'add +acme +pro'
mill load /var/lib/creditmill/inbox/2-pro.jsonl
expect committed
mill load /var/lib/creditmill/inbox/2-pro.jsonl
expect already_loaded
mill aggregate --as-of 2026-11-06
mill balance acme --at 2026-11-05T11:59:59Z
expect ' -10000 '
mill invoice preview --as-of 2026-11-06
expect '\$100\.00 ready, \$0\.00 held'

say "Upgrade: the config that was changed stays, and so does the data."
in_root dpkg -i /tmp/later.deb
grep -q "base_url: $url" "$root/etc/creditmill/creditmill.yaml" || fail "the upgrade replaced a config that was changed"
mill --version
expect 'v0\.0\.2 '
mill balance acme --at 2026-11-05T11:59:59Z
expect ' -10000 '

say "Units, as systemd reads them."
for unit in creditmill.service creditmill-nightly.service creditmill-nightly.timer; do
	in_root systemd-analyze verify --man=no "/usr/lib/systemd/system/$unit" >"$work/verify" 2>&1 ||
		fail "systemd-analyze verify $unit: $(cat "$work/verify")"
	! grep creditmill "$work/verify" || fail "systemd-analyze verify $unit complains as above"
	echo "$unit: nothing to complain of"
done

say "Remove: program gone, config and data stay. Purge: config gone, the data stays."
in_root dpkg -r creditmill
[ ! -e "$root/usr/bin/creditmill" ] || fail "the program is still there"
[ -f "$root/etc/creditmill/creditmill.yaml" ] || fail "removal took the config"
in_root dpkg -P creditmill creditmill-engine
[ ! -e "$root/etc/creditmill" ] || fail "purge left $(ls -A "$root/etc/creditmill")"
[ -d "$root/var/lib/creditmill/data" ] || fail "purge took the data"
in_root getent passwd creditmill >/dev/null || fail "purge took the data's owner"

say "Install again: the data is found."
in_root dpkg -i /tmp/later.deb /tmp/engine.deb
mill balance acme --at 2026-11-05T11:59:59Z
expect ' -10000 '
done_with
say "test-dist: all of it holds."
