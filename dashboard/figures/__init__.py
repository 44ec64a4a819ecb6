"""Frame and options in, plotly figure out; no Dash, no database."""
