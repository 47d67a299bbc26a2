"""Who asks: tokens of an OpenID Connect issuer, and the word of our own gateway."""
