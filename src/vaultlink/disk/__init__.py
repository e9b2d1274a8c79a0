"""Everything that reads a vault from disk: files and settings, texts, the cache, and the state of the last run."""
