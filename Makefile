# `make serve` sets everything up and runs the server with its page; `make test` sets everything up and passes all tests.
# The rest are the parts of those two. Needs Python >= 3.11, a Rust toolchain (cargo), a C compiler and Node >= 20.19.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
PYTEST_ARGS ?=
QUICK ?=
SECONDS ?= 60
TARGETS ?=
STAMPS := build/stamps

WEB_SOURCES := $(shell find web/src web/tools web/index.html proto -type f 2>/dev/null) \
	$(wildcard web/*.json web/*.ts web/*.yaml web/.npmrc)

.DEFAULT_GOAL := help
.PHONY: help serve test check check-rust check-python check-web test-rust test-python test-web \
	bench fuzz audit native web proto format clean require

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

serve: native web  ## Set everything up and run the server with its page (options: make serve ARGS="--port 9000")
	@exec $(BIN)/hocket serve $(ARGS)

test: check test-rust test-web test-python  ## Set everything up and pass all tests

check: check-rust check-python check-web  ## Formatting, lints, types, layers

# --- set-up -----------------------------------------------------------------------------------------------------------

require:
	@tools/require.sh $(PYTHON)

$(STAMPS)/serve: requirements/runtime.txt requirements/build.txt | require
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Python packages ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/runtime.txt -r requirements/build.txt
	@mkdir -p $(@D) && touch $@

$(STAMPS)/test: requirements/test.txt $(STAMPS)/serve
	@echo "Installing Python packages for the tests ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/test.txt
	@touch $@

$(STAMPS)/system: tools/system-packages.sh
	@tools/system-packages.sh
	@mkdir -p $(@D) && touch $@

web/node_modules/.package-lock.json: web/package.json web/package-lock.json | require
	@echo "Installing the page's packages ..."
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

native: $(STAMPS)/serve  ## Build the native media core into the virtual environment
	@echo "Building the media core (about two minutes the first time) ..."
	@PIP_QUIET=1 VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --locked --quiet

web: src/hocket/web/index.html  ## Build the page

src/hocket/web/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	@echo "Building the page ..."
	@cd web && npm run --silent build
	@touch $@

# --- checks and tests -------------------------------------------------------------------------------------------------

check-rust: | require
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo check --manifest-path fuzz/Cargo.toml --no-default-features --target-dir target --locked

check-python: $(STAMPS)/test native
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-web: web/node_modules/.package-lock.json
	cd web && npm run --silent check

test-rust: | require  ## The media core and the engine, and the fuzz targets over their corpus
	cargo test --workspace --locked
	cargo test --manifest-path fuzz/Cargo.toml --no-default-features --target-dir target --locked --lib

test-web: web/node_modules/.package-lock.json  ## The TypeScript client
	cd web && npm test --silent

test-python: $(STAMPS)/test $(STAMPS)/system native web  ## Python, with the end-to-end tests (PYTEST_ARGS="tests/voice -k join")
	$(BIN)/pytest $(PYTEST_ARGS)

# Needs a socket for each of 1,000 clients; where the limit cannot be raised the bench itself says what is missing.
bench: | require  ## What a forwarded packet costs beside the least that it could (make bench QUICK=1: some seconds)
	@ulimit -n 4096 2>/dev/null; cargo bench --locked -p hocket-engine --bench floor -- $(if $(QUICK),--quick)

fuzz: | require  ## Fuzz the media core (make fuzz SECONDS=60 TARGETS="rtp rtcp": each target for so long)
	@mkdir -p build
	@tools/fuzz.sh $(SECONDS) $(TARGETS)

audit:  ## Look for known holes and unwanted licences in what Hocket depends on; says what it could not look at
	@PYTHON=$(PYTHON) tools/audit.sh

# --- the rest ---------------------------------------------------------------------------------------------------------

proto: $(STAMPS)/test  ## Generate the Python code of proto/ anew
	$(BIN)/python tools/generate_proto.py

format: $(STAMPS)/test web/node_modules/.package-lock.json  ## Apply the formatters
	cargo fmt --all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd web && npm run --silent format

clean:  ## Remove what was built here
	rm -rf $(VENV) build target fuzz/target fuzz/found web/node_modules web/dist src/hocket/web artifacts
	rm -f src/hocket/*.so
