"""Commands that start something whole: the app, the service, agent tools, shipped reports, a check of what is there."""
