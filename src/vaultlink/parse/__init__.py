"""Parse the text of a note into an immutable `Note`. Pure; never fails."""
