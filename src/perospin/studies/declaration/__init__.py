"""What a study file may declare, and how it is read."""
