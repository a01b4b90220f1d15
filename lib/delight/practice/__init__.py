"""What do we do about it, and does it work? Little acts as an experiment, and the team's own view (methods M30, M33)."""
