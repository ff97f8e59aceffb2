fle_fuzz(schema_fuzz DEPS libfle::schema)
