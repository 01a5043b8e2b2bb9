#!/bin/sh
# The machine's own nginx, told where this host's files lie.
if [ "${PRACTICE_USER:-@USER@}" != root ]; then
    case $* in
    -v | -V) ;;
    *)
        echo 'nginx: [emerg] open() "@ROOT@/run/nginx.pid" failed (13: Permission denied)' >&2
        exit 1
        ;;
    esac
fi
exec '@NGINX@' -p '@ROOT@/' -c '@ROOT@/etc/nginx/nginx.conf' -e '@ROOT@/var/log/nginx/error.log' "$@"
