# make setup | rehearse | test | test-fast | test-long | test-host | bench
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup rehearse lint test test-fast test-long test-host bench
setup: $(VENV)/.stamp

$(VENV)/.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[rehearsal]' --group dev
	touch $@
