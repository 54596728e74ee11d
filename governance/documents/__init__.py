"""Documents about one version, put together from the record: each sentence of fact names the entry that it rests on."""
