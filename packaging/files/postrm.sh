#!/bin/sh
# After removal. Usage, charges and what was sent to Stripe are records of a business: no package manager removes them,
# and their owner, the user creditmill, stays with them.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
case ${1:-} in
purge)
	rmdir --ignore-fail-on-non-empty /etc/creditmill 2>/dev/null || true
	if [ -d /var/lib/creditmill ]; then
		echo "creditmill: /var/lib/creditmill is kept; remove it by hand when nobody needs its records" >&2
	fi
	;;
esac
