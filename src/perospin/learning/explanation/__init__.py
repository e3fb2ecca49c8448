"""Why a model says what it says: Shapley values, importance, dependence, directions."""
