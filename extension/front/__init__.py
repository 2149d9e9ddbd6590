"""The lean profile's server: one thread, one epoll loop, no asyncio."""
