"""The floor of `verify`: connects with paramiko, asks the same twenty things in one script, counts the answers."""

import sys

import paramiko

SCRIPT = """
root=$1
ask() { "$@" >/dev/null 2>&1 && echo ok || echo no; }
stat -c '%n %U %G %a' "$root/opt/iris" "$root/var/iris/cache" "$root/var/lib/iris" \
  "$root/var/lib/iris-migrate/proofs" "$root/etc/nginx/iris.d" "$root/var/www/iris-acme" "$root/usr/local/sbin" \
  "$root/etc/systemd/system"
dpkg-query -W -f '${Package} ${Version}\\n' git curl python3 nginx
getent passwd iris
systemctl show iris-backend.service nginx.service
pid=$(systemctl show -p MainPID iris-backend.service | cut -d= -f2)
sudo -n cut -z -d= -f1 "/proc/$pid/environ" | tr '\\0' ' '; echo
ss -H -ltn
df -P -k "$root/var/iris/cache"
"""


def main(address: str, port: str, user: str, key: str, root: str) -> None:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(address, int(port), user, key_filename=key, allow_agent=False, look_for_keys=False)
    stdin, stdout, _ = client.exec_command(f"sh -s {root}")
    stdin.write(SCRIPT)
    stdin.channel.shutdown_write()
    print(len(stdout.read().splitlines()), "lines")
    client.close()


main(*sys.argv[1:])
