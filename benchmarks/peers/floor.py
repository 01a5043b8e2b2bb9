"""The floor: connects with paramiko, runs one script that answers all twenty, prints the verdicts."""

import json
import sys

import paramiko

SCRIPT = """
t=$1 port=$2
say() { echo "$1 $([ "$2" = 0 ] && echo true || echo false)"; }
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
  [ "$(stat -c '%F %a' "$t/folder-$n")" = 'directory 755' ]; say "folder-$n" $?; done
for p in openssh-server coreutils bash not-there-at-all; do
  [ "$(dpkg-query -W -f '${db:Status-Abbrev}' $p 2>/dev/null)" = 'ii ' ]; say "package-$p" $?; done
for n in 1 2; do [ "$(readlink "$t/link-$n")" = "$t/folder-1" ]; say "link-$n" $?; done
ss -H -ltn "sport = :$port" | grep -q 127.0.0.1; say listens $?
test -d "$t"; say command $?
"""


def main(address: str, port: str, user: str, key: str, things: str, listens: str) -> None:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(address, int(port), user, key_filename=key, allow_agent=False, look_for_keys=False)
    stdin, stdout, _ = client.exec_command(f"sh -s {things} {listens}")
    stdin.write(SCRIPT)
    stdin.channel.shutdown_write()
    lines = [line.split() for line in stdout.read().decode().splitlines()]
    client.close()
    print(json.dumps({name: told == "true" for name, told in lines}))


main(*sys.argv[1:])
