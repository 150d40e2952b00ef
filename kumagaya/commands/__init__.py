"""One module a sub-command; each imports its room only when it runs, so that `kumagaya edge` stays light."""
