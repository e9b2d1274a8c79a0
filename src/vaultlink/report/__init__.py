"""What is printed, as strings and bytes: findings, listings, notes, the manual of the rules.

Values enter, text leaves. Nothing here prints, reads a file, or decides what is worth telling.
"""
