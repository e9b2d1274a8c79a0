"""The step from one state to the next, the checks it runs, suppressions and finding identities."""
