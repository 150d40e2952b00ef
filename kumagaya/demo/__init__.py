"""The whole city on one machine: plan (what is written), supervisor (what runs), progress (what is shown meanwhile)."""
