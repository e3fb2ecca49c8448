"""Gaussian processes: kernels, likelihoods and hyperparameters once, and the estimators that are made of them.

`GaussianProcess`, `PriorAveragedGP` and `StructuredGP` are fronts; `process` serves programs with kernels of their own.
"""
