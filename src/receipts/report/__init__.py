"""From recorded runs to a paper: collect, compare, print, trace."""
