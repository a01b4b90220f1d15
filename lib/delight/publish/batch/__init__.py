"""Many reports in one go: planned and checked (`plan`), made one by one in worker processes (`jobs`, `engine`), listed (`ledger`, `index`)."""
