"""Materials by the million, described column by column."""
