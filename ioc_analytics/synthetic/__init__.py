"""Synthetic operational files whose population values are known."""
