#!/bin/sh
# Written by iris-migrate. certbot runs this after each renewal: nginx loads the new certificate.
set -eu
nginx -t
systemctl reload nginx
