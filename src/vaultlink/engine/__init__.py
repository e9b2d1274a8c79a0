"""One step from a state and its changes to the next state; the checks it runs, suppressions, and the identity of findings."""
