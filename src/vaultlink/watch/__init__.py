"""The watcher: reports new and resolved findings, and applies safe fixes."""
