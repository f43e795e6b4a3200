# `make demo` and `make test` do all of their own set-up; a second run starts at once.
# Options go in ARGS: make demo ARGS="--seconds 45 --seed 7 --port 8099"

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test check bench clean
ARGS ?=

help:
	@echo 'make demo    watch simulated monitors and cameras go through the gateway; page at http://127.0.0.1:8080'
	@echo 'make test    run all tests; as root it installs the servers they need (mosquitto, influxdb, ...)'
	@echo 'make check   formatting, lint and types'
	@echo 'make bench   measure ingest beside a null reader and other programs for the same work; needs mosquitto'
	@echo 'make clean   remove what the others made'
	@echo 'Options: make demo ARGS="--seconds 45 --seed 7 --port 8099"'

demo:
	@setup/python.sh runtime
	@exec .venv/bin/gateway demo $(ARGS)

test:
	@setup/python.sh dev
	@setup/servers.sh
	@exec .venv/bin/python -m pytest -n auto --dist worksteal $(ARGS)

check:
	@setup/python.sh dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/basedpyright

bench:
	@setup/python.sh dev
	@setup/servers.sh
	@benchmarks/peers/setup.sh || echo 'Measuring without what could not be installed.' >&2
	@exec .venv/bin/python benchmarks/ingest.py $(ARGS)

clean:
	rm -rf .venv build dist var *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
