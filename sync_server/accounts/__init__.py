"""Who there is: people, devices, their roles and secrets, and what phones asked for."""
