#!/bin/sh
# Written by iris-migrate. Brings another commit onto this host, and goes back to the one before
# when the service is not healthy with it.
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

take() {
    in_checkout checkout --quiet --detach "$1" &&
        as_owner '{{ paths.venv }}/bin/python' -m pip install --quiet --no-input --disable-pip-version-check --no-cache-dir \
            {% for item in pip.args %}{{ item | quote }} {% endfor %}-r "$backend/requirements.txt" </dev/null
}

# gunicorn reports ready before its workers have loaded the application: only an answer counts, and it has to last.
answers() {
    "$python" -I - "$health" <<'EOF'
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
healthy() {
    until=$(($(date +%s) + 60))
    while [ "$(date +%s)" -lt "$until" ]; do
        # systemd waits before it starts it again: the new code does not come up, no use in waiting longer.
        case "$(property ActiveState) $(property SubState) $(property NRestarts)" in
            failed* | *auto-restart* | *[1-9]) return 1 ;;
        esac
        if answers; then
            sleep 2
            answers && [ "$(property NRestarts)" = 0 ]
            return
        fi
        sleep 1
    done
    return 1
}
restart() {
    systemctl reset-failed "$service.service" 2>/dev/null || true
    systemctl restart "$service.service"
}

mkdir -p "${lock%/*}"
mkdir "$lock" 2>/dev/null || refuse "another deployment is at work (remove $lock if it is not)"
trap 'rmdir "$lock"' EXIT

changed=$(in_checkout status --porcelain --untracked-files=no)
[ -z "$changed" ] || refuse "files of the checkout were changed by hand: $changed"
was=$(in_checkout rev-parse HEAD)
in_checkout fetch --quiet --tags origin || refuse "the code cannot be fetched"
commit=$(in_checkout rev-parse --verify --quiet "origin/$wanted^{commit}" ||
    in_checkout rev-parse --verify --quiet "$wanted^{commit}") || refuse "there is no commit $wanted"

say "From $was to $commit"
if take "$commit" && restart && healthy; then
    say "Deployed $commit. Set repository.commit to it, or the next verification says that it differs."
    exit 0
fi

say "The service is not healthy with $commit. Its last lines:" >&2
journalctl -u "$service" -n 20 --no-pager -o cat >&2 || true
say "Back to $was" >&2
if take "$was" && restart && healthy; then
    say "$was runs again." >&2
    exit 1
fi
say "The service is not healthy with $was either." >&2
exit 2
