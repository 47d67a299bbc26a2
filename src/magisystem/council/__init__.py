"""The council: its agents, what they read, how they vote, and what the code concludes. Pure; no I/O, no clock."""
