# The newest backups are opened: the cache is restored beside the live one and looked into, the variables are compared.
set -eu
umask 077

python='{{ profile.python }}'
env='{{ paths.env }}'
folder='{{ paths.state }}/backups'
work=$(mktemp -d "$folder/.restore.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Opens the backup that a note names, into the work folder.
restore() {
    name=$("$python" -I -c 'import json, sys; print(json.load(open(sys.argv[1]))["name"])' "$folder/$1.json" </dev/null)
    openssl enc -d -aes-256-cbc -pbkdf2 -iter 600000 -pass env:PASSPHRASE -in "$folder/$name" -out "$work/$1.tar" </dev/null
    tar -C "$work" -xf "$work/$1.tar"
}
restore backup-cache
restore backup-env
same=false
cmp -s "$env" "$work/${env##*/}" && same=true

"$python" -I - "$work/cache" "$folder/backup-cache.json" "$same" <<'EOF'
import json
import sqlite3
import sys
from pathlib import Path

noted = json.loads(Path(sys.argv[2]).read_text())["evidence"]["content"]
rows = files = 0
integrity = "ok"
for path in sorted(Path(sys.argv[1]).rglob("*")):
    if not path.is_file():
        continue
    if path.read_bytes()[:16] != b"SQLite format 3\0":
        files += 1
        continue
    with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as restored:
        names = [name for (name,) in restored.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows += sum(restored.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names)
        state = restored.execute("PRAGMA integrity_check").fetchone()[0]
        integrity = state if state != "ok" else integrity
complete = {"rows": rows, "files": files} == noted
seen = {"integrity": integrity, "complete": complete, "variables": sys.argv[3] == "true", "rows": rows, "files": files}
print(json.dumps(seen))
EOF
