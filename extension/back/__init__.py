"""The daemon profile's server: aiohttp on uvloop, for hosts without a cold start to save."""
