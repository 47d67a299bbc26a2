# Two commands do everything: `make run` and `make test`. The environment is .venv.
PYTHON ?= python3
PORT ?= $(or $(MAGI_PORT),8080)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEPLOY_READY := $(VENV)/.deploy-ready
BENCH_READY := $(VENV)/.bench-ready
# Node and npm come from PyPI into .venv as well, so that every machine builds the web client with the same.
WITH_NODE := PATH="$(CURDIR)/$(BIN):$$PATH"
NPM := $(WITH_NODE) $(BIN)/npm --prefix web
WEB_READY := web/node_modules/.ready
RIVAL := benchmarks/rivals/ai_sdk
RIVAL_NPM := $(WITH_NODE) $(BIN)/npm --prefix $(RIVAL)
RIVAL_READY := $(RIVAL)/node_modules/.ready
PRETTIER := $(WITH_NODE) web/node_modules/.bin/prettier --config web/.prettierrc.json
WEB := src/magisystem/http/web/index.html
WEB_SOURCES := $(shell find web/src web/public -type f -not -name '*.test.*' 2>/dev/null) web/index.html web/vite.config.ts web/tsconfig.json
export UV_PROJECT_ENVIRONMENT := $(VENV)
export UV_PYTHON_DOWNLOADS := never
# Where it is set, as in many containers, every process compiles all that it imports anew: seconds for each.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run peers test check fmt ask bench bench-full bench-setup lock web-dev screenshots types deploy-setup deploy-check

help: ## Show what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) $(WEB) ## Install everything into .venv, build the web client (idempotent)

# What is installed is compiled once, here, and not by each of the processes that a test run starts together.
# uv comes from PyPI into the environment itself, in the locked version, so only Python and make are needed beforehand.
$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 setup") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python venv is missing: on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check \
		"uv==$$(awk '/^name = "uv"$$/ {getline; gsub(/[^0-9.]/, ""); print; exit}' uv.lock)"
	@$(BIN)/uv sync --locked --quiet --compile-bytecode --python $(BIN)/python
	@touch $@

$(WEB_READY): $(READY) web/package.json web/package-lock.json
	@$(NPM) ci --silent --no-progress
	@touch $@

$(WEB): $(WEB_READY) $(WEB_SOURCES)
	@$(NPM) run --silent build -- --logLevel warn

run: setup ## Serve on http://localhost:8080 (PORT=… for another)
	@$(BIN)/magi serve --port $(PORT)

# The nginx that tests put in front of the server, and the Chromium that they look at pages with, come from the system.
# As root on Debian and Ubuntu they are installed; elsewhere those tests fail and say how.
peers:
	@{ command -v nginx && command -v "$${CHROMIUM:-chromium-headless-shell}"; } >/dev/null || \
		[ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends nginx-light chromium-headless-shell fonts-noto-cjk; } >/dev/null

# Two tests a core: much of a test is waiting, for a process to start or a page to be drawn. The web client's unit tests
# run beside them for the same reason; what they say comes last.
test: setup peers ## Run every test
	@mkdir -p build; \
	$(NPM) test --silent >build/web-tests.log 2>&1 & web=$$!; \
	trap 'kill $$web' INT TERM; \
	$(BIN)/python -m pytest --dist worksteal -n $$(( 2 * $$($(BIN)/python -c 'import os; print(os.cpu_count())') )); \
	python=$$?; \
	wait $$web; web=$$?; \
	cat build/web-tests.log; \
	exit $$(( python | web ))

# With the group `bench`, because pyright reads the rivals too.
check: setup $(BENCH_READY) ## Lint, type-check, and hold the layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports --no-cache
	@$(NPM) run --silent types:check
	@$(NPM) run --silent check
	@$(PRETTIER) --log-level warn --check benchmarks

deploy-setup: setup $(DEPLOY_READY) ## Install what `magi deploy` needs besides: the CDK's library

# Without `--exact`'s pruning, so that what `make setup` installed stays as it is.
$(DEPLOY_READY): $(READY)
	@$(BIN)/uv sync --locked --quiet --inexact --group deploy --python $(BIN)/python
	@touch $@

# The stacks are synthesised without credentials and, where the system lets us, without a network (tests/deploy).
deploy-check: deploy-setup ## Check image and infrastructure: types, hadolint, synthesis, cfn-lint, what the templates say
	@$(BIN)/ruff check deploy tests/deploy
	@$(BIN)/ruff format --check deploy tests/deploy
	@$(BIN)/pyright -p deploy/pyrightconfig.json
	@$(BIN)/hadolint deploy/Dockerfile
	@$(BIN)/python -m pytest --timeout 180 tests/deploy

fmt: $(WEB_READY) ## Format and fix what can be fixed
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(NPM) run --silent fmt
	@$(PRETTIER) --log-level warn --write benchmarks

types: $(WEB_READY) ## Renew the web client's types from the Python events
	@$(NPM) run --silent types

web-dev: $(WEB_READY) ## Work on the web client: hot reload on http://localhost:5173, in front of `make run`
	@$(NPM) run --silent dev

screenshots: setup peers ## Take a picture of every page, in both themes and languages, into build/screenshots
	@$(BIN)/python -m tests.support.screenshots

# `magi ask` exits with 10 for rejected and 20 for inconclusive; to make, those are answers like any other.
ask: override export Q := $(value Q)
ask: $(READY) ## Ask a question: make ask Q="Should we …?"
	@$(BIN)/magi ask "$$Q"; code=$$?; case $$code in 10|20) exit 0;; *) exit $$code;; esac

bench: bench-setup ## Measure this server beside its alternatives, in three minutes, into build/bench
	@$(BIN)/python -m benchmarks.hot_path

bench-full: bench-setup peers ## The same with 1 to 400 at once, in a quarter of an hour, into benchmarks/results; and the page
	@$(BIN)/python -m benchmarks.hot_path --full
	@$(BIN)/python -m benchmarks.page --seconds 20

bench-setup: setup $(BENCH_READY) $(RIVAL_READY) ## Install what this server is measured against, and the plot's library

$(BENCH_READY): $(READY)
	@$(BIN)/uv sync --locked --quiet --inexact --compile-bytecode --group bench --python $(BIN)/python
	@touch $@

$(RIVAL_READY): $(READY) $(RIVAL)/package.json $(RIVAL)/package-lock.json
	@$(RIVAL_NPM) ci --silent --no-progress
	@touch $@

lock: $(WEB_READY) ## Renew the locks of Python, of the web client and of the rival on Node
	@$(BIN)/uv lock --upgrade
	@$(NPM) update --silent
	@$(RIVAL_NPM) update --silent
