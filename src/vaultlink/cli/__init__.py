"""The command line. Errors that users can resolve are printed as one sentence."""
