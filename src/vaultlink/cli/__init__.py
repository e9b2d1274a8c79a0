"""The command line: words in, an exit code out. Errors that users can resolve are printed as sentences."""
