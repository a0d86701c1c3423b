#!/bin/sh
# Runs the image with the engine as a container does, without a daemon: its layers as a root that cannot be written, data and
# temporary files in memory, the image's user. From a log to a balance. Needs root, and the images of make images.
set -eu
archive=$(ls "${1:?usage: testimage.sh FOLDER}"/creditmill-with-engine_*.oci.tar)
if [ "${2:-}" != inside ]; then
	exec unshare --mount "$0" "$1" inside # what is mounted goes with it
fi
work=$(mktemp -d)
root=$work/root
trap 'umount -R "$root" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
mkdir -p "$root"
tar -xf "$archive" -C "$work"
for blob in "$work"/blobs/sha256/*; do
	if gzip -t "$blob" 2>/dev/null; then tar -xzf "$blob" -C "$root"; fi
done
mkdir "$root/proc" "$root/dev"
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o uid=65532,gid=65532,mode=750 tmpfs "$root/var/lib/creditmill"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"

mill() {
	env -i HOME=/var/lib/creditmill CREDITMILL_CONFIG=/etc/creditmill/creditmill.yaml PATH=/usr/sbin:/usr/bin \
		chroot --userspec=65532:65532 "$root" /usr/bin/creditmill "$@"
}
mill --version
mill check
echo '{"event_id":"e1","occurred_at":"2026-10-05T10:00:00Z","customer_id":"acme","model":"small-model","input_tokens":2000}' |
	mill load -
mill aggregate --as-of 2026-10-06
mill balance acme --at 2026-10-06 >"$work/balance"
cat "$work/balance"
grep -Eq ' 500 +200 +300 ' "$work/balance" || { echo "testimage: want 200 of 500 used" >&2; exit 1; }
echo "testimage: all of it holds."
