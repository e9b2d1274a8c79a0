"""Tests with vaults, repositories, settings and records that somebody made to do harm."""
