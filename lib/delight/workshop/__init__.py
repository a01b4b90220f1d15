"""Lessons: one source notebook each, made into student and trainer versions in three languages, with friendly checks."""
