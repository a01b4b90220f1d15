"""What the columns of an export may mean: shapes of values, words in several languages, batteries, waves."""
