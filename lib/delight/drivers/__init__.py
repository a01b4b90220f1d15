"""Which experiences matter, which only prevent irritation, which delight, and what to do first (methods M08, M10, M13-M15)."""
