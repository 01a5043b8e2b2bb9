# The two commands: make rehearse, make test. The others are for those who work on it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup rehearse test test-fast test-long test-host test-aws lint bench screenshots format
setup: $(VENV)/.stamp

$(VENV)/.stamp: pyproject.toml constraints.txt backend/requirements.txt backend/requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[rehearsal]' --group dev --requirement backend/requirements-dev.txt
	touch $@

rehearse: setup
	$(BIN)/iris-migrate rehearse

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest -n 4 --dist loadgroup -m 'not long and not host' tests
	cd backend && ../$(BIN)/pytest -q

# Under a minute: what needs no whole practice world.
test-fast: lint
	$(BIN)/pytest -n 2 -q -x -m 'not long and not slow and not host' tests

# Kills a run at every point and goes on; plants causes of failures, alone and in pairs. A quarter of an hour.
test-long: setup
	$(BIN)/pytest -n 4 --dist loadgroup -rA -m long tests/practice tests/tui tests/rehearsal

# On a real systemd host; says so when it cannot be had. Installs its Debian packages; nothing of it stays running.
test-host: setup
	IRIS_TEST_HOST=1 $(BIN)/pytest -n 2 --dist loadgroup -rsA -m host tests/host

# Opt-in, on a real account: asks for its id, makes only what is free or costs cents, removes all of it, never in CI.
test-aws: setup
	$(BIN)/python -m tests.rehearsal.on_aws

bench: setup
	$(BIN)/python -m benchmarks

# The pictures of the README, from a rehearsal.
screenshots: setup
	$(BIN)/python docs/screenshots.py

format: setup
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .
