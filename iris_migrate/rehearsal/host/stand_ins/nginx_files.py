"""The files that Debian's nginx packages bring: main configuration, default site, unit."""

from __future__ import annotations

import os

from iris_migrate.rehearsal.host.tree import Tree

MAIN = """\
{user}worker_processes 1;
pid {root}/run/nginx.pid;
error_log {root}/var/log/nginx/error.log;

events {{
	worker_connections 768;
}}

http {{
	sendfile on;
	tcp_nopush on;
	types_hash_max_size 2048;
	include {root}/etc/nginx/mime.types;
	default_type application/octet-stream;
	access_log {root}/var/log/nginx/access.log;
	client_body_temp_path {root}/var/lib/nginx/body;
	proxy_temp_path {root}/var/lib/nginx/proxy;
	fastcgi_temp_path {root}/var/lib/nginx/fastcgi;
	uwsgi_temp_path {root}/var/lib/nginx/uwsgi;
	scgi_temp_path {root}/var/lib/nginx/scgi;

	# A practice host answers on this machine only, whatever `listen` says.
	allow 127.0.0.0/8;
	allow ::1;
	deny all;

	include {root}/etc/nginx/conf.d/*.conf;
	include {root}/etc/nginx/sites-enabled/*;
}}
"""
DEFAULT_SITE = """\
server {{
	listen {port} default_server;
{ipv6}
	root {root}/var/www/html;
	index index.html index.htm index.nginx-debian.html;
	server_name _;

	location / {{
		try_files $uri $uri/ =404;
	}}
}}
"""
MIME_TYPES = """\
types {
	text/html html htm shtml;
	text/css css;
	text/plain txt;
	application/javascript js;
	application/json json;
	image/png png;
	image/svg+xml svg svgz;
}
"""
WELCOME = "<!DOCTYPE html>\n<html><head><title>Welcome to nginx!</title></head><body>Welcome to nginx!</body></html>\n"
UNIT = """\
[Unit]
Description=A high performance web server and a reverse proxy server
After=network-online.target

[Service]
Type=forking
PIDFile={root}/run/nginx.pid
ExecStartPre={root}/stand-ins/nginx -t -q -g 'daemon on; master_process on;'
ExecStart={root}/stand-ins/nginx -g 'daemon on; master_process on;'
ExecReload={root}/stand-ins/nginx -g 'daemon on; master_process on;' -s reload
ExecStop=-/bin/kill -s QUIT $MAINPID
TimeoutStopSec=5
KillMode=mixed

[Install]
WantedBy=multi-user.target
"""


def write(tree: Tree) -> None:
    """Put them in place; files that exist are kept, as dpkg keeps changed configuration."""
    root, settings = tree.root, tree.settings()
    etc = root / "etc/nginx"
    for folder in ("sites-available", "sites-enabled", "conf.d", "snippets", "modules-enabled"):
        (etc / folder).mkdir(parents=True, exist_ok=True)
    for folder in ("var/log/nginx", "var/www/html", "var/lib/nginx"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    port = settings["ports"]["http"]
    texts = {
        # nginx' workers must be able to read below the folder, whoever owns it.
        etc / "nginx.conf": MAIN.format(root=root, user="user root root;\n" if os.geteuid() == 0 else ""),
        etc / "mime.types": MIME_TYPES,
        etc / "sites-available/default": DEFAULT_SITE.format(
            root=root, port=port, ipv6=f"\tlisten [::]:{port} default_server;\n" if settings["ipv6"] else ""
        ),
        root / "var/www/html/index.nginx-debian.html": WELCOME,
        root / "lib/systemd/system/nginx.service": UNIT.format(root=root),
    }
    for path, text in texts.items():
        if not path.exists():
            path.write_text(text)
    link = etc / "sites-enabled/default"
    if not link.is_symlink():
        link.symlink_to(etc / "sites-available/default")
