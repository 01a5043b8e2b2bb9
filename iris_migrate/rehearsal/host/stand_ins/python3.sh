#!/bin/sh
# The machine's own Python; as on Debian, `venv` comes with a package of its own.
if [ "$1" = -m ] && [ "$2" = venv ] && [ ! -e '@ROOT@/usr/share/python3-venv' ]; then
    echo 'The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv
package using the following command.

    apt install python3-venv

You may need to use sudo with that command.  After installing the python3-venv
package, recreate your virtual environment.
'
    exit 1
fi
exec '@PYTHON@' "$@"
