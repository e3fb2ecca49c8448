"""Pictures of the analyses of this room."""
