"""What a reviewer would try, tried before submission: small named checks of the results that a report prints."""
