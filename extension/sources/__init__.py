"""Where values come from: one module per service, no caching, no policy."""
