"""What a person does to labels, above the log and below the screen."""
