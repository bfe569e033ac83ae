//! A webhook against a server that is slow, fails or redirects.
