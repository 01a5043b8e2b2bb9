#!/bin/sh
# Written by iris-migrate. Brings another commit onto this host without losing a request: it is tried beside the running
# one first, and the one before comes back when the service is not healthy with it.
#
#   sudo {{ app }}-deploy [commit, tag or branch]      default: {{ repository.commit }}
#
# Ends with 0: deployed · 1: not healthy, the earlier commit runs again · 2: not healthy either way · 3: refused.
set -eu

checkout='{{ paths.app }}'
backend='{{ paths.backend }}'
service='{{ service.name }}'
# Never the checkout's own Python: this runs as root, and the checkout belongs to the service's user.
python='{{ profile.python }}'
health='http://127.0.0.1:{{ app_port }}{{ health.path }}'
wanted=${1:-'{{ repository.commit }}'}
lock='{{ paths.state }}/deploy.lock'
owner=$(stat -c %U "$checkout")

say() { printf '%s\n' "$*"; }
refuse() { say "Refused: $*" >&2; exit 3; }

# The checkout belongs to its own user; git refuses to work in another user's, and pip should not write as root.
as_owner() {
    if [ "$(id -un)" = "$owner" ]; then "$@"; else sudo -n -u "$owner" -- "$@"; fi
}
in_checkout() { as_owner git -C "$checkout" "$@"; }

install() {
    as_owner '{{ paths.venv }}/bin/python' -m pip install --quiet --no-input --disable-pip-version-check --no-cache-dir \
        {% for item in pip.args %}{{ item | quote }} {% endfor %}-r "$1" </dev/null
}

# gunicorn reports ready before its workers have loaded the application: only an answer counts, and it has to last.
answers() {
    "$python" -I - "$1" <<'EOF'
import json
import sys
import urllib.request

try:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=5) as answer:
        body = json.load(answer)
except (OSError, ValueError):
    sys.exit(1)
good = body.get("status") in ("ok", "healthy") and body.get("agent_ready", True) and not body.get("agent_error", False)
sys.exit(0 if good else 1)
EOF
}
property() { systemctl show -p "$1" "$service.service" | sed -n "s/^$1=//p"; }

# The new code is tried beside the running one, on a port of its own: a broken commit never gets a request.
tried() {
    port=$("$python" -I -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    configuration="$1/gunicorn_config.py"
    [ -f "$configuration" ] || configuration="$backend/gunicorn_config.py"
    # shellcheck disable=SC2016 # expanded by the owner's own shell
    as_owner sh -c 'echo $$ >"$1"; cd "$2" || exit; set -a; [ ! -f "$3" ] || . "$3"; set +a; shift 3; exec "$@"' sh \
        "$beside/pid" "$1" '{{ paths.env }}' '{{ paths.venv }}/bin/gunicorn' --config "$configuration" --bind "127.0.0.1:$port" \
        --workers 1 --threads 4 --access-logfile - --error-logfile - '{{ service.app }}' </dev/null >&2 &
    trial=$!
    until=$(($(date +%s) + 60))
    good=1
    while kill -0 "$trial" 2>/dev/null && [ "$(date +%s)" -lt "$until" ]; do
        if answers "http://127.0.0.1:$port{{ health.path }}"; then
            good=0
            break
        fi
        sleep 0.5
    done
    kill "$(cat "$beside/pid")" 2>/dev/null || true
    wait "$trial" 2>/dev/null || true
    return "$good"
}

workers() { cat "/proc/$1/task/$1/children" 2>/dev/null || true; }
# New workers take over from the old ones, which answer what they have begun: no request is lost. Only a service that
# does not run is started.
go_live() {
    main=$(property MainPID)
    if [ "$(property ActiveState)" != active ] || [ "$main" = 0 ]; then
        systemctl reset-failed "$service.service" 2>/dev/null || true
        systemctl restart "$service.service"
        restarts=0
        return
    fi
    restarts=$(property NRestarts)
    earlier=$(workers "$main")
    systemctl reload "$service.service" || return 1
    until=$(($(date +%s) + 60))
    for worker in $earlier; do
        while [ "$(property MainPID)" = "$main" ] && [ -d "/proc/$worker" ] && [ "$(date +%s)" -lt "$until" ]; do
            sleep 0.2
        done
    done
}
healthy() {
    until=$(($(date +%s) + 60))
    while [ "$(date +%s)" -lt "$until" ]; do
        # systemd waits before it starts it again: the new code does not come up, no use in waiting longer.
        case "$(property ActiveState) $(property SubState)" in
            failed* | *auto-restart*) return 1 ;;
        esac
        [ "$(property NRestarts)" = "$restarts" ] || return 1
        if answers "$health"; then
            sleep 2
            answers "$health" && [ "$(property NRestarts)" = "$restarts" ]
            return
        fi
        sleep 1
    done
    return 1
}

mkdir -p "${lock%/*}"
mkdir "$lock" 2>/dev/null || refuse "another deployment is at work (remove $lock if it is not)"
beside=''
# shellcheck disable=SC2329 # the trap calls it
end() {
    if [ -n "$beside" ]; then
        rm -rf "$beside"
        in_checkout worktree prune
    fi
    rmdir "$lock"
}
trap end EXIT

changed=$(in_checkout status --porcelain --untracked-files=no)
[ -z "$changed" ] || refuse "files of the checkout were changed by hand: $changed"
was=$(in_checkout rev-parse HEAD)
in_checkout fetch --quiet --tags origin || refuse "the code cannot be fetched"
commit=$(in_checkout rev-parse --verify --quiet "origin/$wanted^{commit}" ||
    in_checkout rev-parse --verify --quiet "$wanted^{commit}") || refuse "there is no commit $wanted"

say "From $was to $commit"
beside=$(as_owner mktemp -d)
in_checkout worktree add --quiet --detach "$beside/tree" "$commit" || refuse "the commit cannot be laid out"
new="$beside/tree/{{ repository.backend }}"
if ! install "$new/requirements.txt" || ! tried "$new"; then
    say "Not healthy with $commit; its own lines are above. $was has been running all the time." >&2
    install "$backend/requirements.txt" || exit 2
    exit 1
fi
if in_checkout checkout --quiet --detach "$commit" && go_live && healthy; then
    say "Deployed $commit. Set repository.commit to it, or the next verification says that it differs."
    exit 0
fi

say "The service is not healthy with $commit. Its last lines:" >&2
journalctl -u "$service" -n 20 --no-pager -o cat >&2 || true
say "Back to $was" >&2
if in_checkout checkout --quiet --detach "$was" && install "$backend/requirements.txt" && go_live && healthy; then
    say "$was runs again." >&2
    exit 1
fi
say "The service is not healthy with $was either." >&2
exit 2
