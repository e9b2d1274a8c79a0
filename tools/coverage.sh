#!/bin/sh
# Measure which lines of the pure packages the tests that import one of them run. pyproject.toml lists these packages.
# One process runs all tests: a forked one ends before its data is written.
set -eu
cd "$(dirname "$0")/.."
make .venv/tested
packages=$(sed -nE 's#^    "src/vaultlink/([a-z]+)(\.py|/\*)",$#\1#p' pyproject.toml | paste -sd '|' -)
rm -f .coverage
# shellcheck disable=SC2046  # the names of files are words
.venv/bin/coverage run -m pytest -m product $(grep -lE "^from vaultlink\.($packages)[. ]" tests/test_*.py)
.venv/bin/coverage report
