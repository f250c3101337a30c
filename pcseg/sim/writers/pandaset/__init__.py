"""PandaSet: two lidars, six cameras, tables kept as pickles."""
