"""What training shares: folds, weights of rows, spread of members."""
