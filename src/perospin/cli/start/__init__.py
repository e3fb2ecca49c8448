"""Commands that start something whole: the app, the shipped reports, a check of the installation."""
