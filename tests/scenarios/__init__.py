"""Scenarios: named people in a channel, and who hears whom at each step."""
