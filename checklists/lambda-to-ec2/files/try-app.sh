# Starts the application on a free port, as the service's user, asks for its health, and ends it.
# The last line is {"status": …, "seconds": …, "body": …}; what gunicorn says comes before it.
set -eu
cd '{{ paths.backend }}'
set -a
# shellcheck source=/dev/null
. '{{ paths.env }}'
set +a
python='{{ paths.venv }}/bin/python'
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
'{{ paths.venv }}/bin/gunicorn' --config gunicorn_config.py --bind "127.0.0.1:$port" --workers 1 --threads 4 \
    --access-logfile - --error-logfile - '{{ service.app }}' &
app=$!
trap 'kill "$app" 2>/dev/null || true' EXIT
# Ends early when gunicorn did: its own lines then say why.
seen=$("$python" -c '
import json, os, sys, time, urllib.error, urllib.request
url, app, start = sys.argv[1], int(sys.argv[2]), time.monotonic()
status, body = 0, "no answer"
while time.monotonic() - start < 45 and os.path.exists(f"/proc/{app}"):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            status, body = answer.status, answer.read(4096).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read(4096).decode("utf-8", "replace")
    except OSError:
        time.sleep(0.2)
    if status:
        break
print(json.dumps({"status": status, "seconds": round(time.monotonic() - start, 1), "body": body}))
' "http://127.0.0.1:$port{{ health.path }}" "$app")
kill "$app" 2>/dev/null || true
wait "$app" 2>/dev/null || true
trap - EXIT
printf '%s\n' "$seen"
