# A commit that cannot start is deployed; the script has to notice and to go back by itself.
set -eu

checkout='{{ paths.app }}'
broken='{{ repository.backend }}/{{ service.app.split(":")[0] | replace(".", "/") }}.py'
owner=$(stat -c %U "$checkout")

as_owner() {
    if [ "$(id -un)" = "$owner" ]; then "$@"; else sudo -n -u "$owner" -- "$@"; fi
}
in_checkout() { as_owner git -C "$checkout" "$@"; }

# The commit is made beside the checkout's index, so that nothing of it is touched until it is deployed.
index=$(as_owner mktemp -d)
trap 'rm -rf "$index"' EXIT
staged() { as_owner env GIT_INDEX_FILE="$index/index" git -C "$checkout" "$@"; }
was=$(in_checkout rev-parse HEAD)
blob=$(printf 'raise RuntimeError("a drill: this commit cannot start")\n' | in_checkout hash-object -w --stdin)
staged read-tree HEAD
staged update-index --add --cacheinfo "100644,$blob,$broken"
tree=$(staged write-tree)
commit=$(as_owner env GIT_AUTHOR_NAME=drill GIT_AUTHOR_EMAIL=drill@localhost GIT_COMMITTER_NAME=drill \
    GIT_COMMITTER_EMAIL=drill@localhost git -C "$checkout" commit-tree "$tree" -p "$was" -m 'A drill: does not start')

status=0
sh '{{ host.root }}/usr/local/sbin/{{ app }}-deploy' "$commit" </dev/null || status=$?
now=$(in_checkout rev-parse HEAD)
same=false
[ "$now" = "$was" ] && same=true
printf '{"status": %s, "back": %s}\n' "$status" "$same"
