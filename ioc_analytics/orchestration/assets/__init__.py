"""The assets, one module per part of the platform. Not for: what they compute (the rooms do)."""
