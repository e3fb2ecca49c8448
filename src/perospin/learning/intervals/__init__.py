"""Prediction intervals from held-out residuals, and their coverage."""
