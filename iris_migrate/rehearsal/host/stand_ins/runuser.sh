#!/bin/sh
# Stands in for runuser and su: sudo without the question who asks.
user=root
while [ $# -gt 0 ]; do
    case $1 in
    -u | --user) user=$2; shift 2 ;;
    --) shift; break ;;
    -c) shift; set -- sh -c "$1"; break ;;
    *) break ;;
    esac
done
[ "${PRACTICE_USER:-@USER@}" = root ] || { echo 'runuser: may not be used by non-root users' >&2; exit 1; }
exec '@ROOT@/stand-ins/sudo' -n -u "$user" -- "$@"
