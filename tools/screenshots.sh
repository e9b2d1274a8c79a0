#!/bin/sh
# Take the pictures of reports and of the pane in docs/images again. Needs Chromium, node and npm. Review the difference.
set -eu
cd "$(dirname "$0")/.."
make .venv/tested
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -r tests/browser/*.json tests/browser/*.mjs fixtures/podcast-wiki "$folder"
npm ci --silent --prefix "$folder"
.venv/bin/vaultlink report "$folder/podcast-wiki" --output-file "$folder/report.html"
node "$folder/screenshots.mjs" "$(command -v chromium)" "$folder/report.html" docs/images
cp tests/obsidian/*.mjs tests/obsidian/app.* "$folder"
cp -r contrib/obsidian "$folder/plugin"
npm ci --silent --ignore-scripts --prefix "$folder/plugin"
npm run --silent --prefix "$folder/plugin" build
node "$folder/picture.mjs" "$(command -v chromium)" "$PWD/.venv/bin/vaultlink" "$folder/podcast-wiki" "$folder/plugin" docs/images
