"""From raw exports to one row a response."""
