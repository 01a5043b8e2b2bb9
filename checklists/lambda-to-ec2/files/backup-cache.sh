# A copy of the cache through SQLite's own backup: a tar of a database in use would be torn. Encrypted before it leaves.
set -eu
umask 077

python='{{ profile.python }}'
cache='{{ paths.cache }}'
folder=${TARGET%/*}
work=$(mktemp -d "$folder/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT

facts=$("$python" -I - "$cache" "$work/cache" <<'EOF'
import json
import shutil
import sqlite3
import sys
from pathlib import Path

source, copy = Path(sys.argv[1]), Path(sys.argv[2])
rows = files = 0
for path in sorted(source.rglob("*")):
    target = copy / path.relative_to(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or not path.is_file() or path.name.endswith(("-wal", "-shm", "-journal")):
        continue
    if path.read_bytes()[:16] != b"SQLite format 3\0":
        try:
            shutil.copyfile(path, target)
        except FileNotFoundError:
            continue  # evicted while we copied
        files += 1
        continue
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as live, sqlite3.connect(target) as made:
        live.backup(made)
        names = [name for (name,) in made.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows += sum(made.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names)
        state = made.execute("PRAGMA integrity_check").fetchone()[0]
    if state != "ok":
        sys.exit(f"{path.name}: {state}")
copy.mkdir(parents=True, exist_ok=True)
print(json.dumps({"rows": rows, "files": files}))
EOF
)
tar -C "$work" -cf "$work/cache.tar" cache
openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -salt -pass env:PASSPHRASE -in "$work/cache.tar" -out "$work/sealed" </dev/null
sync "$work/sealed" || true
mv -f "$work/sealed" "$TARGET"
# One backup stays here for the proof that it can be restored; older ones lie off the host.
find "$folder" -maxdepth 1 -name '{{ app }}-cache-*.tar.enc' ! -path "$TARGET" -exec rm -f -- {} +
sha256=$(openssl dgst -sha256 -r "$TARGET" | cut -d ' ' -f 1)
printf '{"sha256": "%s", "content": %s}\n' "$sha256" "$facts"
