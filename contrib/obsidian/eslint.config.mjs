import obsidianmd from "eslint-plugin-obsidianmd";
import { defineConfig } from "eslint/config";

export default defineConfig([
  ...obsidianmd.configs.recommended,
  {
    files: ["src/**/*.ts"],
    languageOptions: { parserOptions: { project: "./tsconfig.json" } },
    rules: { "obsidianmd/settings-tab/prefer-setting-definitions": "off" }, // it needs a newer app than manifest.json names
  },
]);
