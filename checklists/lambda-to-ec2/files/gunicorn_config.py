"""gunicorn's configuration, written by iris-migrate because the checkout had none.

What must be so (address, workers, time limit) stands on the command line of the systemd unit as well, which outranks this file.
"""

bind = "127.0.0.1:{{ app_port }}"
workers = {{ service.workers }}
worker_class = "gthread"
threads = {{ service.threads }}
timeout = {{ timeouts.gunicorn }}
graceful_timeout = {{ timeouts.gunicorn }}  # on a reload, calls of the model may end
keepalive = 5
loglevel = "info"
accesslog = "-"
errorlog = "-"
control_socket_disable = True  # newer gunicorns open one below HOME, which the unit keeps read-only
