"""A vault beside Obsidian, all day: word of changes comes in, what they broke or healed goes out, and is mended if asked for."""
