"""Long work in processes of its own, for the app and the service; equal questions are computed once."""
