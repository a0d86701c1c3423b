#!/bin/sh
# Makes a fixture: a data directory as an earlier version of creditmill leaves it. Builds that version, lets it run its own demo
# (loads, a subscription, a posted invoice), and packs the directory with the figures that it shows.
#
#   CREDITMILL_ENGINE_LIBRARY=… sh testdata/upgrade/make.sh COMMIT
#
# Run it for each release. It needs git, Go, node and zstd.
set -eu

commit=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'git -C "$root" worktree remove --force "$work/old"; rm -rf "$work"' EXIT
git -C "$root" worktree add --quiet --detach "$work/old" "$commit"
cd "$work/old"
CGO_ENABLED=0 go build -o bin/ ./cmd/... ./invoice/stripefake/...
sh testdata/demo/demo.sh >/dev/null
schema=$(basename -a sql/migrations/*.sql | tail -n 1 | cut -c 1-4)
cd demo
PATH=$work/old/bin:$PATH
creditmill balance --at 2026-11-06 --json >balances.json
creditmill sql --json 'SELECT load_id, file, sha256, status, rows_loaded, rows_duplicate FROM v_loads ORDER BY load_id' >loads.json
creditmill sql --json 'SELECT charge_id, customer_id, amount_minor, state FROM v_charges ORDER BY charge_id' >charges.json
set -- catalog.yaml balances.json loads.json charges.json 1-free.jsonl 2-pro.jsonl creditmill-data
rm -rf creditmill-data/engine creditmill-data/locks creditmill-data/data/status # of the machine, and passwords
fixture=$root/testdata/upgrade/schema-$schema.tar.zst
tar --sort=name --mtime=2026-01-01 --owner=0 --group=0 -c "$@" | zstd -q -19 -f -o "$fixture"
ls -l "$fixture"
