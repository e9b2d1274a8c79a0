"""Turn findings into changed texts.

Fixes are selected, applied and verified in rounds. Pure: no disk, no clock.
"""
