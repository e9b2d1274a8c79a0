# `make demo` and `make test` do all the set-up. PYTHON names another interpreter (3.11 or newer).

PYTHON ?= python3
VAULT ?=
PROGRAM ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Four processes on two cores: many tests wait for a watcher or a terminal. Only Linux can fork them from the one that collected the tests.
PYTEST := $(BIN)/python -m pytest $(if $(findstring linux,$(shell $(PYTHON) -c 'import sys; print(sys.platform)')),--forks 4,-n 4 --dist worksteal)

.DEFAULT_GOAL := help
.PHONY: help demo test test-all explore hostile faults lint bench bench-related worst-cases gate gate-record release-check coverage mutants binary packaging lock mcp-calls month refresh random-renames random-undos questions renames replay casts screenshots vscode obsidian docs clean soak ecosystem ecosystem-record

help:
	@echo 'make demo      set up, and show the overview of the sample vault in fixtures/'
	@echo 'make test      set up, and check the program: format, lint, types, import contracts, tests'
	@echo 'make test-all  test what lies around the program: archives, installations, workflows, the site, a browser'
	@echo 'make lint      run only ruff, mypy and the import contracts'
	@echo 'make explore   try random examples that no run of the tests tries, TIMES times as many; default: 20'
	@echo 'make hostile   fuzz for minutes, and break commands in a large vault; SECONDS is the time of each fuzzer'
	@echo 'make faults    break every command that writes at every STEP-th call that changes files; default: 2, for 20 minutes'
	@echo 'make random-renames  make random renames and lists of changes in COUNT random vaults; default: 2000'
	@echo 'make random-undos  undo, redo and recover COUNT random runs whose files changed since; default: 3000'
	@echo 'make renames   rename at random in copies of real vaults: VAULTS="DIR ARCHIVE ..."'
	@echo 'make replay    replay histories of vaults, and count the links that lead to what they meant: HISTORIES="DIR ..."'
	@echo 'make bench     measure every figure that has a target; VAULT=DIR uses a copy of your vault'
	@echo 'make bench-related  hide links, and count those that `related` finds: VAULTS="DIR ARCHIVE ..."'
	@echo 'make worst-cases  measure how the time of the worst notes grows with their size'
	@echo 'make soak      change a vault for SECONDS (600), and weigh its watcher beside a fresh one'
	@echo 'make mcp-calls  rename, delete, merge, fix and undo with the tools of `mcp`, in copies of vaults: VAULTS="DIR ..."'
	@echo 'make month     play DAYS (30) of a vault in MINUTES (60) with all programs, and compare them each day; SEED=N VAULT=DIR ARGS=--output=FILE'
	@echo 'make questions  ask a server COUNT random questions while its vault changes, each also without it; default: 10000'
	@echo 'make gate      compare the speed with the last release, whose figures `make gate-record` wrote'
	@echo 'make ecosystem  print how findings, fixes and mentions of 60 public vaults differ from the last release; SNAPSHOTS=DIR BEFORE=PROGRAM'
	@echo 'make release-check  build the archives of a release, and install them on every Python at hand'
	@echo 'make coverage  measure which lines of the pure packages the tests run'
	@echo 'make mutants   change the code in COUNT places, and print those that no test notices; SEED=N PACKAGES="write fix" SINCE=REVISION'
	@echo 'make binary    build one file for this system that needs no Python, in build/binary'
	@echo 'make packaging archive it in build/packaging, with a Dockerfile and a Homebrew formula; URL=ADDRESS of the archives'
	@echo 'make lock      choose the versions of requirements-dev.lock anew; ARGS=--upgrade for the newest ones'
	@echo 'make refresh   regenerate the expected findings, the README table and the public names; review the diff'
	@echo 'make docs      build the documentation site in build/site'
	@echo 'make casts     record the terminal sessions in docs/casts again; review the diff'
	@echo 'make vscode    build the extension for VS Code in build; needs node and npm'
	@echo 'make obsidian  build the plugin for Obsidian, and lay out its repository in build/obsidian; needs node and npm'
	@echo 'make screenshots  take the pictures of reports and of the pane in docs/images again; needs Chromium, node and npm'
	@echo 'make clean     remove the environments and caches'

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

random-undos: .venv/tested
	VAULTLINK_UNDOS=$(or $(COUNT),3000) $(BIN)/python -m pytest -n 2 --dist worksteal tests/test_random_undos.py

random-renames: .venv/tested
	VAULTLINK_RENAMES=$(or $(COUNT),2000) VAULTLINK_REQUESTS=$(or $(COUNT),2000) $(BIN)/python -m pytest -n 2 --dist worksteal tests/test_random_renames.py tests/test_random_requests.py

questions: .venv/tested
	VAULTLINK_QUESTIONS=$(or $(COUNT),10000) $(BIN)/python -m pytest -n 2 --dist worksteal --timeout 0 tests/test_serve.py

renames: .venv/installed
	$(BIN)/python benchmarks/renames.py $(ARGS) $(VAULTS)

replay: .venv/installed
	$(BIN)/python benchmarks/replay.py $(ARGS) $(HISTORIES)

bench: .venv/installed
	$(BIN)/python benchmarks/bench.py $(if $(VAULT),--vault '$(VAULT)') $(ARGS)

bench-related: .venv/installed
	$(BIN)/python benchmarks/hit_rates.py $(ARGS) $(VAULTS)

worst-cases: .venv/installed
	$(BIN)/python benchmarks/worst_cases.py $(ARGS)

soak: .venv/installed
	$(BIN)/python benchmarks/soak.py $(SECONDS)

mcp-calls: .venv/tested
	$(BIN)/python benchmarks/mcp_calls.py $(ARGS) $(or $(VAULTS),fixtures/podcast-wiki)

month: .venv/tested
	PYTHONPATH=tests nice $(BIN)/python benchmarks/month.py $(if $(VAULT),--vault '$(VAULT)') $(if $(SEED),--seed $(SEED)) $(if $(DAYS),--days $(DAYS)) $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

gate: .venv/installed
	$(BIN)/python benchmarks/gate.py $(if $(PROGRAM),--program '$(PROGRAM)') $(ARGS)

gate-record: .venv/installed
	$(BIN)/python benchmarks/gate.py --record $(if $(PROGRAM),--program '$(PROGRAM)')

ecosystem: .venv/tested
	@$(BIN)/python benchmarks/ecosystem.py $(if $(SNAPSHOTS),--snapshots '$(SNAPSHOTS)') $(if $(BEFORE),--before '$(BEFORE)') $(if $(PROGRAM),--program '$(PROGRAM)') $(ARGS)

ecosystem-record: .venv/tested
	@$(BIN)/python benchmarks/ecosystem.py --record $(if $(SNAPSHOTS),--snapshots '$(SNAPSHOTS)') $(ARGS)

release-check: .venv/tested
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	VAULTLINK_RELEASE=1 VAULTLINK_DIST=dist $(BIN)/python -m pytest -rs tests/test_release.py tests/test_python_314.py
	@echo 'dist/ holds the archives. Nothing was uploaded.'

# Tests of the pure packages that call them in one process. A worker of pytest-xdist can end before its data is written.
COVERED := anchor_changes anchors backlinks canvas_edits catalog config counts definitions engine extracting rule_fixes fix_rounds fixtures \
    formats graph intent mention_mistakes mention_settings mentions merge_command parse picture quiet related rename_arguments \
    rename_cli rename_refusals renaming_anchors renaming_links rewriting rules section_style sections standing suggest tag_renames \
    upkeep vault_search vectors

coverage: .venv/tested
	rm -f .coverage
	$(BIN)/coverage run -m pytest $(COVERED:%=tests/test_%.py)
	$(BIN)/coverage report

mutants: .venv/tested
	nice $(BIN)/python benchmarks/mutants.py $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(if $(SINCE),--since $(SINCE)) $(if $(PACKAGES),--packages $(PACKAGES)) $(ARGS)

binary: .venv/tested
	$(BIN)/pyinstaller --noconfirm --log-level WARN --distpath build/binary --workpath build/binary/work tools/packaging/binary.spec
	@echo 'build/binary/vaultlink needs no Python. Copy it to a folder of your PATH.'

packaging: binary
	rm -rf build/packaging
	$(BIN)/python tools/packaging/write_files.py archive build/packaging
	$(BIN)/python tools/packaging/write_files.py files build/packaging $(URL)
	$(BIN)/hadolint build/packaging/Dockerfile
	@echo 'build/packaging holds the archive, its checksum, the Dockerfile and the formula. Nothing was uploaded.'

lock: .venv/tested
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-annotate \
	    --custom-compile-command 'make lock' --output-file requirements-dev.lock $(ARGS) pyproject.toml

refresh: .venv/tested
	VAULTLINK_REFRESH=1 $(BIN)/python -m pytest tests/test_fixtures.py tests/test_readme.py tests/test_public_names.py \
	    tests/test_json_schemas.py

docs: .venv/tested
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean
	@echo 'build/site/index.html is the first page. For the search: $(BIN)/python -m http.server -d build/site'

casts: .venv/tested
	$(BIN)/python benchmarks/casts.py
	$(BIN)/python benchmarks/terminal_pictures.py

screenshots: .venv/tested
	folder=$$(mktemp -d) && \
	    cp -r tests/browser/*.json tests/browser/*.mjs fixtures/podcast-wiki "$$folder" && \
	    npm ci --silent --prefix "$$folder" && \
	    $(BIN)/vaultlink report "$$folder/podcast-wiki" --output-file "$$folder/report.html" && \
	    node "$$folder/screenshots.mjs" "$$(command -v chromium)" "$$folder/report.html" docs/images && \
	    cp tests/obsidian/*.mjs tests/obsidian/app.* "$$folder" && \
	    cp -r contrib/obsidian "$$folder/plugin" && \
	    npm ci --silent --ignore-scripts --prefix "$$folder/plugin" && \
	    npm run --silent --prefix "$$folder/plugin" build && \
	    node "$$folder/picture.mjs" "$$(command -v chromium)" "$$PWD/$(BIN)/vaultlink" "$$folder/podcast-wiki" "$$folder/plugin" docs/images

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
