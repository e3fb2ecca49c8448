"""Named parameters, the one `Fit` result, variable projection, batched least squares, intervals."""
