#!/bin/sh
# After unpacking, of a .deb and an .rpm alike: the system user, its folders, and the units as they are now.
set -e
if ! getent passwd creditmill >/dev/null; then
	useradd --system --user-group --home-dir /var/lib/creditmill --no-create-home --shell /usr/sbin/nologin creditmill
fi
# inbox/ is where a log shipper of the group creditmill leaves files.
for folder in /var/lib/creditmill /var/lib/creditmill/inbox; do
	if [ ! -d "$folder" ]; then
		mkdir "$folder"
		chown creditmill:creditmill "$folder"
		chmod 0750 "$folder"
	fi
done
chmod 0770 /var/lib/creditmill/inbox
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
	# A service that runs goes on with the new program; one that does not is left so.
	systemctl try-restart creditmill.service || true
fi
