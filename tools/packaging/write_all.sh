#!/bin/sh
# Build the binary, and write to build/packaging: its archive with a checksum, a Dockerfile and a Homebrew formula.
#
#     tools/packaging/write_all.sh [URL]
#
# URL is the address of the folder from which the archives can be downloaded.
set -eu
cd "$(dirname "$0")/../.."
make binary
rm -rf build/packaging
.venv/bin/python tools/packaging/write_files.py archive build/packaging
.venv/bin/python tools/packaging/write_files.py files build/packaging "$@"
.venv/bin/hadolint build/packaging/Dockerfile
echo 'build/packaging holds the archive, its checksum, the Dockerfile and the formula. Nothing was uploaded.'
