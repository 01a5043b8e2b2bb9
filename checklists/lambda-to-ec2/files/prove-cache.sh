# The same file is analysed, the service restarted, the file analysed again: the second answer has to come from the disk.
set -eu

python='{{ profile.python }}'
service='{{ service.name }}'
base='http://127.0.0.1:{{ app_port }}'

main_pid() { systemctl show -p MainPID "$service.service" | sed -n 's/^MainPID=//p'; }

# Prints what the answer's metadata says about the cache. The key comes from the environment, never from an argument.
analyse() {
    "$python" -I - "$base{{ analyze.path }}" <<'EOF'
import json
import os
import sys
import urllib.request

source = "1 | def total(prices):\n2 |     return sum(prices)\n"
body = {"filename": "prices.py", "language": "python", "source_code": source,
        "metadata": {"filepath": "prices.py", "line_count": 2}}
headers = {"content-type": "application/json", "x-api-key": os.environ["CLIENT_KEYS"].split(",")[0].strip()}
request = urllib.request.Request(sys.argv[1], json.dumps(body).encode(), headers)
with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout={{ timeouts.nginx }}) as answer:
    print(json.load(answer)["metadata"]["cache_hit"])
EOF
}
healthy() {
    "$python" -I - "$base{{ health.path }}" <<'EOF'
import sys
import urllib.request

try:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=5) as answer:
        sys.exit(0 if answer.status == 200 else 1)
except OSError:
    sys.exit(1)
EOF
}

first=$(analyse)
before=$(main_pid)
systemctl restart "$service.service"
seconds=0
until healthy; do
    [ "$seconds" -lt 60 ] || { echo "the service does not answer 60 s after its restart" >&2; exit 1; }
    sleep 0.5
    seconds=$((seconds + 1))
done
second=$(analyse)
after=$(main_pid)
restarted=false
[ "$before" != "$after" ] && restarted=true
printf '{"first_cache_hit": %s, "restarted": %s, "cache_hit": %s}\n' "$first" "$restarted" "$second"
