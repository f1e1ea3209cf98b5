"""The command line: parsing of arguments and printing; everything else is the public API's."""
