"""Which directives exist, where they may stand, and with how many words; and what else `nginx -t` refuses."""

from __future__ import annotations

import os
import ssl

from iris_migrate.rehearsal.host.nginx.syntax import Directive, Emergency

M, E, H, S, L, U, I = "main", "events", "http", "server", "location", "upstream", "if"  # noqa: E741  as in nginx' tables
ANY = 99
HSL, HSLI = (H, S, L), (H, S, L, I)
# name: (contexts, fewest words, most words)
TABLE: dict[str, tuple[tuple[str, ...], int, int]] = {
    "user": ((M,), 1, 2), "worker_processes": ((M,), 1, 1), "pid": ((M,), 1, 1), "daemon": ((M,), 1, 1),
    "master_process": ((M,), 1, 1), "worker_rlimit_nofile": ((M,), 1, 1), "load_module": ((M,), 1, 1),
    "pcre_jit": ((M,), 1, 1), "env": ((M,), 1, 1), "events": ((M,), 0, 0), "http": ((M,), 0, 0),
    "worker_connections": ((E,), 1, 1), "multi_accept": ((E,), 1, 1), "use": ((E,), 1, 1),
    "error_log": ((M, *HSL), 1, 2), "server": ((H,), 0, 0), "upstream": ((H,), 1, 1), "map": ((H,), 2, 2),
    "log_format": ((H,), 2, ANY), "limit_req_zone": ((H,), 3, 3), "limit_conn_zone": ((H,), 2, 2),
    "types_hash_max_size": (HSL, 1, 1), "types_hash_bucket_size": (HSL, 1, 1), "types": (HSL, 0, 0),
    "server_names_hash_bucket_size": ((H,), 1, 1), "server_names_hash_max_size": ((H,), 1, 1), "listen": ((S,), 1, ANY),
    "server_name": ((S,), 1, ANY), "location": ((S, L), 1, 2), "if": ((S, L), 1, ANY), "return": ((S, L, I), 1, 2),
    "rewrite": ((S, L, I), 2, 3), "set": ((S, L, I), 2, 2), "break": ((S, L, I), 0, 0), "try_files": ((S, L), 2, ANY),
    "root": (HSLI, 1, 1), "alias": ((L,), 1, 1), "index": (HSL, 1, ANY), "autoindex": (HSL, 1, 1),
    "access_log": (HSLI, 1, ANY), "log_not_found": (HSL, 1, 1), "sendfile": (HSLI, 1, 1), "tcp_nopush": (HSL, 1, 1),
    "tcp_nodelay": (HSL, 1, 1), "keepalive_timeout": (HSL, 1, 2), "keepalive_requests": (HSL, 1, 1),
    "default_type": (HSL, 1, 1), "client_max_body_size": (HSL, 1, 1), "client_body_timeout": (HSL, 1, 1),
    "client_header_timeout": ((H, S), 1, 1), "client_body_buffer_size": (HSL, 1, 1), "send_timeout": (HSL, 1, 1),
    "client_header_buffer_size": ((H, S), 1, 1), "large_client_header_buffers": ((H, S), 2, 2),
    "client_body_temp_path": (HSL, 1, 4), "proxy_temp_path": (HSL, 1, 4), "fastcgi_temp_path": (HSL, 1, 4),
    "uwsgi_temp_path": (HSL, 1, 4), "scgi_temp_path": (HSL, 1, 4), "server_tokens": (HSL, 1, 1),
    "error_page": (HSLI, 2, ANY), "recursive_error_pages": (HSL, 1, 1), "internal": ((L,), 0, 0), "etag": (HSL, 1, 1),
    "add_header": (HSLI, 2, 3), "expires": (HSLI, 1, 2), "allow": (HSL, 1, 1), "deny": (HSL, 1, 1),
    "satisfy": (HSL, 1, 1), "limit_req": (HSL, 1, 3), "limit_req_status": (HSL, 1, 1), "limit_conn": (HSL, 2, 2),
    "limit_except": ((L,), 1, ANY), "resolver": (HSL, 1, ANY), "merge_slashes": ((H, S), 1, 1),
    "server_name_in_redirect": (HSL, 1, 1), "port_in_redirect": (HSL, 1, 1), "absolute_redirect": (HSL, 1, 1),
    "gzip": (HSLI, 1, 1), "gzip_types": (HSL, 1, ANY), "gzip_vary": (HSL, 1, 1), "gzip_proxied": (HSL, 1, ANY),
    "gzip_comp_level": (HSL, 1, 1), "gzip_min_length": (HSL, 1, 1), "gzip_buffers": (HSL, 2, 2),
    "gzip_http_version": (HSL, 1, 1), "gzip_disable": (HSL, 1, ANY), "reset_timedout_connection": (HSL, 1, 1),
    "proxy_pass": ((L, I), 1, 1), "proxy_set_header": (HSL, 2, 2), "proxy_hide_header": (HSL, 1, 1),
    "proxy_pass_header": (HSL, 1, 1), "proxy_http_version": (HSL, 1, 1), "proxy_connect_timeout": (HSL, 1, 1),
    "proxy_send_timeout": (HSL, 1, 1), "proxy_read_timeout": (HSL, 1, 1), "proxy_buffering": (HSL, 1, 1),
    "proxy_buffer_size": (HSL, 1, 1), "proxy_buffers": (HSL, 2, 2), "proxy_busy_buffers_size": (HSL, 1, 1),
    "proxy_request_buffering": (HSL, 1, 1), "proxy_next_upstream": (HSL, 1, ANY), "proxy_redirect": (HSL, 1, 2),
    "proxy_next_upstream_tries": (HSL, 1, 1), "proxy_intercept_errors": (HSL, 1, 1),
    "proxy_pass_request_body": (HSL, 1, 1),
    "proxy_pass_request_headers": (HSL, 1, 1), "proxy_ignore_client_abort": (HSL, 1, 1), "proxy_method": (HSL, 1, 1),
    "ssl_certificate": ((H, S), 1, 1), "ssl_certificate_key": ((H, S), 1, 1), "ssl_protocols": ((H, S), 1, ANY),
    "ssl_ciphers": ((H, S), 1, 1), "ssl_prefer_server_ciphers": ((H, S), 1, 1), "ssl_session_cache": ((H, S), 1, 2),
    "ssl_session_timeout": ((H, S), 1, 1), "ssl_session_tickets": ((H, S), 1, 1), "ssl_dhparam": ((H, S), 1, 1),
    "ssl_stapling": ((H, S), 1, 1), "ssl_stapling_verify": ((H, S), 1, 1), "ssl_trusted_certificate": ((H, S), 1, 1),
    "ssl_ecdh_curve": ((H, S), 1, 1), "ssl_reject_handshake": ((H, S), 1, 1), "ssl_buffer_size": ((H, S), 1, 1),
    "http2": ((H, S), 1, 1), "keepalive": ((U,), 1, 1), "zone": ((U,), 1, 2), "real_ip_header": (HSL, 1, 1),
    "set_real_ip_from": (HSL, 1, 1), "stub_status": ((S, L), 0, 1), "auth_basic": (HSL, 1, 1),
    "auth_basic_user_file": (HSL, 1, 1), "charset": (HSLI, 1, 1), "open_file_cache": (HSL, 1, 2),
}  # fmt: skip
BLOCKS = {"events", "http", "server", "upstream", "location", "if", "types", "map", "limit_except"}
LISTEN_WORDS = {"default_server", "ssl", "http2", "reuseport", "deferred", "bind", "proxy_protocol"}


def check(top: tuple[Directive, ...]) -> None:
    """Refuse what nginx refuses before it opens a socket. Raises Emergency."""
    _walk(top, M)
    if not any(item.name == "events" for item in top):
        raise Emergency('no "events" section in configuration')
    for http in (item for item in top if item.name == "http"):
        _servers(http)


def _walk(block: tuple[Directive, ...], context: str) -> None:
    for item in block:
        if context in ("types", "map", "limit_except"):
            continue
        if context == U and item.name == "server":
            continue
        known = TABLE.get(item.name)
        if known is None:
            raise Emergency(f'unknown directive "{item.name}" in {item.place}')
        contexts, fewest, most = known
        if context not in contexts:
            raise Emergency(f'"{item.name}" directive is not allowed here in {item.place}')
        if (item.block is None) == (item.name in BLOCKS):
            missing = 'has no opening "{"' if item.block is None else 'is not terminated by ";"'
            raise Emergency(f'directive "{item.name}" {missing} in {item.place}')
        if not fewest <= len(item.args) <= most:
            raise Emergency(f'invalid number of arguments in "{item.name}" directive in {item.place}')
        _words(item)
        if item.block is not None:
            _walk(item.block, item.name)


def _words(item: Directive) -> None:
    """What the words of single directives must be."""
    if item.name in ("client_max_body_size",) and item.args[0].rstrip("kKmMgG").isdigit() is False:
        raise Emergency(f'"{item.name}" directive invalid value in {item.place}')
    if item.name.endswith("_timeout") and not item.args[0].rstrip("smhd").isdigit():
        raise Emergency(f'"{item.name}" directive invalid value in {item.place}')
    if item.name == "proxy_pass" and not item.args[0].startswith(("http://", "https://", "$")):
        raise Emergency(f"invalid URL prefix in {item.place}")
    if item.name == "return" and not (item.args[0].isdigit() or item.args[0].startswith(("http", "$"))):
        raise Emergency(f'invalid return code "{item.args[0]}" in {item.place}')
    if item.name == "listen":
        for word in item.args[1:]:
            if word not in LISTEN_WORDS and "=" not in word:
                raise Emergency(f'invalid parameter "{word}" in {item.place}')
    if item.name in ("sendfile", "gzip", "server_tokens", "autoindex", "tcp_nopush", "tcp_nodelay", "proxy_buffering"):
        allowed = ("on", "off", "build") if item.name == "server_tokens" else ("on", "off")
        if item.args[0] not in allowed:
            raise Emergency(f'invalid value "{item.args[0]}" in "{item.name}" directive in {item.place}')


def address(text: str) -> tuple[str, int]:
    """`80`, `[::]:80`, `127.0.0.1:80`, `*:80` as address and port."""
    if text.isdigit():
        return "0.0.0.0", int(text)  # noqa: S104  what `listen 80` means; connections from elsewhere are closed
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        return text, 80
    return ("0.0.0.0" if host == "*" else host.strip("[]")), int(port)  # noqa: S104


def _servers(http: Directive) -> None:
    defaults: set[tuple[str, int]] = set()
    for server in http.all("server"):
        seen: set[tuple[str, ...]] = set()
        pairs: set[tuple[str, int]] = set()
        for listen in server.all("listen"):
            at = address(listen.args[0])
            shown = f"{f'[{at[0]}]' if ':' in at[0] else at[0]}:{at[1]}"
            if at in pairs:
                raise Emergency(f"a duplicate listen {shown} in {listen.place}")
            pairs.add(at)
            if "default_server" in listen.args:
                if at in defaults:
                    raise Emergency(f"a duplicate default server for {shown} in {listen.place}")
                defaults.add(at)
        for location in server.all("location"):
            if location.args in seen:
                raise Emergency(f'duplicate location "{location.args[-1]}" in {location.place}')
            seen.add(location.args)
            proxies = location.all("proxy_pass")
            if len(proxies) > 1:
                raise Emergency(f'"proxy_pass" directive is duplicate in {proxies[1].place}')
        _certificate(http, server)


def _certificate(http: Directive, server: Directive) -> None:
    if not any("ssl" in listen.args for listen in server.all("listen")):
        return
    certificate = server.one("ssl_certificate") or http.one("ssl_certificate")
    key = server.one("ssl_certificate_key") or http.one("ssl_certificate_key")
    if certificate is None:
        listen = server.all("listen")[0]
        raise Emergency(f'no "ssl_certificate" is defined for the "listen ... ssl" directive in {listen.place}')
    if key is None:
        raise Emergency(f'no "ssl_certificate_key" is defined for certificate "{certificate.args[0]}"')
    context(certificate.args[0], key.args[0])


def context(certificate: str, key: str) -> ssl.SSLContext:
    """TLS with this certificate. Raises Emergency in OpenSSL's words."""
    for path, what in ((certificate, "certificate"), (key, "certificate key")):
        if not os.path.exists(path):
            raise Emergency(
                f'cannot load {what} "{path}": BIO_new_file() failed (SSL: error:80000002:system library::'
                f"No such file or directory:calling fopen({path}, r) error:10000080:BIO routines::no such file)"
            )
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise Emergency(f'cannot load certificate "{certificate}": {error}') from error
    return made
