"""What a class of estimators says of itself: options with their limits, references, terms, numbers for a file."""
