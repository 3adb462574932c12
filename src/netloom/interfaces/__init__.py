"""What a plugin author imports: the words of the field."""
