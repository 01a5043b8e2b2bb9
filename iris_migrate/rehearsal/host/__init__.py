"""The practice host: an SSH server over a sandbox folder, with stand-ins only for what an unprivileged laptop lacks.

What it offers (the profile `practice`): os-release ID=practice VERSION_ID="1"; apt with the packages of
`stand_ins/packages.py`; `python3` (3.11 or newer; `-m venv` after `python3-venv` is installed); nginx in
Debian's layout (`etc/nginx/sites-available`, `sites-enabled`, a default site) with the unit `nginx.service`;
certbot with `--webroot` and `certbot.timer`; logrotate with `logrotate.timer`. Everything lies below the folder
that is `host.root`.
"""
