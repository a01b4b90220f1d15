"""From chapters to reports: running the chain, the run folder, HTML and PDF."""
