"""Everything between sensor and store is killed, frozen, cut off, filled up and set wrong at random; then the books are compared."""
