"""Array to array: filters, grey-scale morphology, optical density. No room above is known here."""
