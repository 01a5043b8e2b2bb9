#!/bin/sh
# Runs the checks of {{ app }} and tells when their state becomes another: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
# Its own exit status is that of the checks.
folder={{ monitor.folder | replace("~", "$HOME") }}
mkdir -p "$folder" && cd "$folder" || exit 3
message=$(iris-migrate verify monitoring --format nagios 2>/dev/null)
state=$?
before=$(cat "watch-{{ app }}.state" 2>/dev/null || echo 0)
if [ "$state" != "$before" ]; then
  told=yes
  printf '%s\n' "$message"
{% if monitor.mail %}
  printf '%s\n' "$message" | {{ monitor.mail }} || told=no
{% endif %}
{% if monitor.webhook_file %}
  # The URL may be a secret: it is read by curl and stands on no command line.
  body=$(printf '%s' "$message" | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g')
  printf 'url = "%s"\n' "$(cat {{ monitor.webhook_file | replace("~", "$HOME") }})" |
    curl -fsS -m 20 -H 'Content-Type: application/json' -d "{\"text\": \"$body\"}" -K - >/dev/null || told=no
{% endif %}
  # What could not be told is told the next time.
  [ "$told" = no ] || printf '%s\n' "$state" >"watch-{{ app }}.state"
fi
exit "$state"
