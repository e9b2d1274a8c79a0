# `make demo` and `make test` do all the set-up. PYTHON names another interpreter (3.11 or newer).

PYTHON ?= python3
VAULT ?=
PROGRAM ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Four processes on two cores: many tests wait for a watcher or a terminal. Only Linux can fork them from the one that collected the tests.
PYTEST := $(BIN)/python -m pytest $(if $(findstring linux,$(shell $(PYTHON) -c 'import sys; print(sys.platform)')),--forks 4,-n 4 --dist worksteal)

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint refresh docs bench gate gate-record mutants explore hostile faults ecosystem release-check lock binary vscode obsidian clean

help:
	@echo 'make demo           set up, and show the overview of the sample vault in fixtures/'
	@echo 'make test           set up, and check the program: format, lint, types, import contracts, tests'
	@echo 'make test-all       test what lies around the program: archives, installations, workflows, the site, a browser'
	@echo 'make lint           run only ruff, mypy and the import contracts'
	@echo 'make refresh        regenerate the expected findings, the README table, schemas and limits; review the diff'
	@echo 'make docs           build the documentation site in build/site'
	@echo 'make bench          measure every figure that has a target; VAULT=DIR uses a copy of your vault'
	@echo 'make gate           fail if a standard run costs too much, also compared with the last release'
	@echo 'make gate-record    record the speed of a release; PROGRAM=FILE'
	@echo 'make mutants        change the code in COUNT places, and print those that no test notices; SEED=N PACKAGES="write fix" SINCE=REVISION'
	@echo 'make explore        try random examples that no run of the tests tries, TIMES times as many; default: 20'
	@echo 'make hostile        fuzz for minutes, and break commands in a large vault; SECONDS is the time of each fuzzer'
	@echo 'make faults         break every command that writes at every STEP-th call that changes files; default: 2, for 20 minutes'
	@echo 'make ecosystem      print how findings, fixes and mentions of 60 public vaults differ from the last release; SNAPSHOTS=DIR BEFORE=PROGRAM'
	@echo 'make release-check  build the archives of a release, and install them on every Python at hand'
	@echo 'make lock           choose the versions of requirements-dev.lock anew; ARGS=--upgrade for the newest ones'
	@echo 'make binary         build one file for this system that needs no Python, in build/binary'
	@echo 'make vscode         build the extension for VS Code in build; needs node and npm'
	@echo 'make obsidian       build the plugin for Obsidian, and lay out its repository in build/obsidian; needs node and npm'
	@echo 'make clean          remove the environments and caches'
	@echo 'benchmarks/README.md lists more measurements.'

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vaultlink needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/installed: .venv/made pyproject.toml
	$(PIP) --editable .
	@touch $@

.venv/tested: .venv/made pyproject.toml requirements-dev.lock
	$(PIP) --require-hashes --requirement requirements-dev.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@ .venv/installed

# The commands of the overview, as they can be typed here: what each does is on the line above it.
demo: .venv/installed
	@echo '$$ $(BIN)/vaultlink status fixtures/podcast-wiki'
	@if [ -t 1 ]; then export FORCE_COLOR=1; fi; $(BIN)/vaultlink status fixtures/podcast-wiki | \
	    sed -E 's|^  ([^ ]*)(vaultlink [^ ].*[^ ])   *([a-z][^/]*)$$|  # \3\n  \1$(BIN)/\2|'

lint: .venv/tested
	$(BIN)/ruff format --check src tests benchmarks tools
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: .venv/tested
	$(BIN)/ruff format --check src tests benchmarks tools
	$(BIN)/ruff check
	$(BIN)/vaultlink check --vault . --config .ci/own.toml
	@$(BIN)/mypy & types=$$!; $(PYTEST) -m product $(ARGS); code=$$?; wait $$types && exit $$code

test-all: .venv/tested
	$(PYTEST) -m 'project or thorough' $(ARGS)

explore: .venv/tested
	VAULTLINK_EXPLORE=$(or $(TIMES),20) $(BIN)/python -m pytest -n 2 --dist worksteal $$(grep -lE '^from (exploring|hypothesis) ' tests/test_*.py tests/hostile/test_*.py)

hostile: .venv/tested
	VAULTLINK_HOSTILE=$(or $(SECONDS),300) $(BIN)/python -m pytest -n 2 --dist worksteal tests/hostile

faults: .venv/tested
	PYTHONPATH=tests $(BIN)/python tests/hostile/all_faults.py --step $(or $(STEP),2) $(ARGS)

bench: .venv/installed
	$(BIN)/python benchmarks/bench.py $(if $(VAULT),--vault '$(VAULT)') $(ARGS)

gate: .venv/installed
	$(BIN)/python benchmarks/gate.py $(if $(PROGRAM),--program '$(PROGRAM)') $(ARGS)

gate-record: .venv/installed
	$(BIN)/python benchmarks/gate.py --record $(if $(PROGRAM),--program '$(PROGRAM)')

ecosystem: .venv/tested
	@$(BIN)/python benchmarks/ecosystem.py $(if $(SNAPSHOTS),--snapshots '$(SNAPSHOTS)') $(if $(BEFORE),--before '$(BEFORE)') $(if $(PROGRAM),--program '$(PROGRAM)') $(ARGS)

release-check: .venv/tested
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	VAULTLINK_RELEASE=1 VAULTLINK_DIST=dist $(BIN)/python -m pytest -rs tests/test_release.py tests/test_python_314.py
	@echo 'dist/ holds the archives. Nothing was uploaded.'

mutants: .venv/tested
	nice $(BIN)/python benchmarks/mutants.py $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(if $(SINCE),--since $(SINCE)) $(if $(PACKAGES),--packages $(PACKAGES)) $(ARGS)

binary: .venv/tested
	$(BIN)/pyinstaller --noconfirm --log-level WARN --distpath build/binary --workpath build/binary/work tools/packaging/binary.spec
	@echo 'build/binary/vaultlink needs no Python. Copy it to a folder of your PATH.'

lock: .venv/tested
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-annotate \
	    --custom-compile-command 'make lock' --output-file requirements-dev.lock $(ARGS) pyproject.toml

refresh: .venv/tested
	VAULTLINK_REFRESH=1 $(BIN)/python -m pytest tests/test_fixtures.py tests/test_readme.py tests/test_public_names.py \
	    tests/test_json_schemas.py tests/test_house.py

docs: .venv/tested
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean
	@echo 'build/site/index.html is the first page. For the search: $(BIN)/python -m http.server -d build/site'

vscode:
	mkdir -p build && folder=$$(mktemp -d) && cp -r contrib/vscode "$$folder" && \
	    npm ci --silent --ignore-scripts --no-audit --no-fund --prefix "$$folder/vscode" && \
	    npm run --silent --prefix "$$folder/vscode" package -- --out "$(CURDIR)/build/" && \
	    rm -r "$$folder"

obsidian:
	rm -rf build/obsidian && folder=$$(mktemp -d) && mkdir "$$folder/contrib" && \
	    cp -r contrib/obsidian "$$folder/contrib" && cp -r docs LICENSE "$$folder" && \
	    npm ci --silent --ignore-scripts --prefix "$$folder/contrib/obsidian" && \
	    npm run --silent --prefix "$$folder/contrib/obsidian" build && \
	    node "$$folder/contrib/obsidian/layout.mjs" build/obsidian

clean:
	rm -rf .venv benchmarks/.venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks tools -name __pycache__ -prune -exec rm -rf {} +
