"""What tests, benches and scripts share: they import this package, and it imports none of them."""
