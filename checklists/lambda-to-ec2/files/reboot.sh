#!/bin/sh
# Written by iris-migrate. `when-needed` restarts the host when an upgrade wants it; its timer calls it in the window of
# the settings. `verify` is called after each boot: the service has to be healthy behind nginx, or this unit has failed.
set -eu

state='{{ paths.state }}'
health='http://127.0.0.1:{{ http.port }}{{ health.path }}'

needed() {
    [ ! -e '{{ host.root }}/var/run/reboot-required' ] || return 0
    command -v dnf >/dev/null 2>&1 || return 1
    status=0
    dnf -q needs-restarting -r >/dev/null 2>&1 || status=$?
    [ "$status" = 1 ]  # anything else: no, or it cannot be told
}
healthy() {
    '{{ profile.python }}' -I - "$health" <<'PYTHON'
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
PYTHON
}

case "${1:-}" in
when-needed)
    needed || { echo "No restart is needed."; exit 0; }
    echo "An upgrade wants a restart, and this is its window."
    systemctl reboot
    ;;
verify)
    seconds=0
    until healthy; do
        [ "$seconds" -lt 180 ] || { echo "The service is not healthy $seconds s after the boot." >&2; exit 1; }
        sleep 1
        seconds=$((seconds + 1))
    done
    mkdir -p "$state"
    printf '{"boot": "%s", "healthy": true, "seconds": %s}\n' "$(cat /proc/sys/kernel/random/boot_id)" "$seconds" >"$state/boot.json"
    echo "The service is healthy after this boot."
    ;;
*)
    echo "usage: $0 when-needed | verify" >&2
    exit 2
    ;;
esac
