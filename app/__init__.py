"""The Streamlit page: plain functions from the agent's values to what is shown, and `page`, which lays it out."""
