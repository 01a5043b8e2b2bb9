#!/bin/sh
# Stands in for sudo: no password, no privilege. The command believes that it runs as the user it was given.
user=root keep= home=
me=${PRACTICE_USER:-@USER@}
while [ $# -gt 0 ]; do
    case $1 in
    -n | -H | -S | -k | -b | --non-interactive | --set-home) shift ;;
    -E | --preserve-env) keep=yes; shift ;;
    --preserve-env=*) keep=yes; shift ;;
    -u | --user) user=$2; shift 2 ;;
    -u?*) user=${1#-u}; shift ;;
    --user=*) user=${1#--user=}; shift ;;
    -g | -D | -p) shift 2 ;;
    -nu | -Hu | -nHu) user=$2; shift 2 ;;
    -nE | -nH | -nS) shift ;;
    -i | -s) shift; [ $# -gt 0 ] || set -- sh ;;
    -v | -l | -K) exit 0 ;;
    --) shift; break ;;
    -*) printf "sudo: invalid option -- '%s'\nusage: sudo -h | -K | -k | -V\n" "${1#-}" >&2; exit 1 ;;
    *) break ;;
    esac
done
if [ "$me" != root ] && [ "$me" != '@USER@' ]; then
    echo 'sudo: a password is required' >&2
    exit 1
fi
while IFS=: read -r name _ _ _ _ folder _; do
    [ "$name" = "$user" ] && home=$folder && break
done < '@ROOT@/etc/passwd'
if [ -z "$home" ]; then
    printf 'sudo: unknown user %s\nsudo: error initializing audit plugin sudoers_audit\n' "$user" >&2
    exit 1
fi
[ $# -gt 0 ] || { echo 'usage: sudo -h | -K | -k | -V' >&2; exit 1; }
PATH='@PATH@'
case $1 in
*=*) ;;
*) command -v -- "$1" >/dev/null || { printf 'sudo: %s: command not found\n' "$1" >&2; exit 1; } ;;
esac
if [ -n "$keep" ]; then
    exec env HOME="$home" LOGNAME="$user" USER="$user" PRACTICE_USER="$user" SUDO_USER="$me" "$@"
fi
exec env -i HOME="$home" LOGNAME="$user" USER="$user" SHELL=/bin/sh PATH="$PATH" TERM="${TERM:-unknown}" \
    LANG="${LANG:-C.UTF-8}" TMPDIR='@ROOT@/tmp' SUDO_USER="$me" SUDO_COMMAND="$1" MAIL="/var/mail/$user" \
    PRACTICE_HOST='@ROOT@' PRACTICE_USER="$user" @PASSED@ "$@"
