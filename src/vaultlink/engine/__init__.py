"""Compute states and findings: steps, checks, suppressions, finding identities.

A step leads from one state to the next and runs the checks.
"""
