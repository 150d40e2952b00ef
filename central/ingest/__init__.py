"""From the broker into the store: decode by the contract, check, commit, and only then acknowledge and write the receipt."""
