"""The addresses of the server: each file adds its routes to a router, from collaborators it is given."""
