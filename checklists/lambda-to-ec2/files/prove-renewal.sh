# A renewal as the timer would make it: tried first, then made once, and the new certificate has to be served.
# A dry run alone calls no deploy hook: it cannot tell whether a renewed certificate is ever loaded.
set -eu

certbot='{{ profile.certbot.command }}'
folder='{{ host.root }}{{ profile.certbot.folder }}'
domain='{{ domain }}'
live="$folder/live/$domain/fullchain.pem"

renew() {
    "$certbot" renew --non-interactive --cert-name "$domain" --no-random-sleep-on-renew "$@" \
        --config-dir "$folder" --work-dir '{{ host.root }}/var/lib/letsencrypt' \
        --logs-dir '{{ host.root }}/var/log/letsencrypt' </dev/null
}
on_disk() { openssl x509 -in "$live" -noout -serial | sed 's/^serial=//'; }
served() {
    openssl s_client -connect '127.0.0.1:{{ https.port }}' -servername "$domain" </dev/null 2>/dev/null |
        openssl x509 -noout -serial 2>/dev/null | sed 's/^serial=//'
}

# Let's Encrypt allows five certificates of the same names a week. This keeps three of them for emergencies.
recent=$(find "$folder/archive/$domain" -name 'cert*.pem' -mtime -7 2>/dev/null | wc -l)
[ "$recent" -lt 3 ] || { echo "$recent certificates were issued within 7 days: try again next week" >&2; exit 1; }

# A dry run asks Let's Encrypt's staging side, whatever server the certificate is from, unless it is told.
renew --dry-run{{ " --server " ~ (tls.acme_server | quote) if tls.acme_server else "" }}
before=$(on_disk)
renew --force-renewal
after=$(on_disk)
renewed=false
[ "$before" != "$after" ] && renewed=true
seconds=0
loaded=false
while [ "$seconds" -lt 20 ]; do
    if [ "$(served)" = "$after" ]; then
        loaded=true
        break
    fi
    sleep 0.5
    seconds=$((seconds + 1))
done
printf '{"dry_run": true, "renewed": %s, "served": %s, "serial": "%s"}\n' "$renewed" "$loaded" "$after"
