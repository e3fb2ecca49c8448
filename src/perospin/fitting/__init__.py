"""Named parameters, the one `Fit` result, variable projection, batched least squares and intervals: what every measurement shares."""
