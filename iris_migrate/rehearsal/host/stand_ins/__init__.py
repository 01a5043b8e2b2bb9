"""Small programs that take the place of what needs root or a whole machine; each acts on the files it is given."""
