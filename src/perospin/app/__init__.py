"""The web app of ``perospin app`` (Streamlit, extra ``app``): thin pages over the public functions."""
