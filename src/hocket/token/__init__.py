"""`hocket token`: makes a JSON Web Token for trying what `--auth jwt` lets in. An app makes its own."""
