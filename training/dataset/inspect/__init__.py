"""`fer-train dataset inspect`: what published and prepared datasets hold, as a page, tables and figures for programs."""
