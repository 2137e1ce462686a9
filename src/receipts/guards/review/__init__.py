"""Pages for people to look at: `receipts review RUN` and `receipts look conf=NAME`."""
