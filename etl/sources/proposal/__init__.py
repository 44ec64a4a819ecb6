"""A mapping proposed for a file from its headers and its values, for a person to agree to.

Each choice has a confidence and a reason. Nothing here decides: what is proposed is shown, and only
what somebody agreed to is written to `xintu.toml`.
"""
