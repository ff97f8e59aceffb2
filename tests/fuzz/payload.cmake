fle_fuzz(payload_fuzz DEPS libfle::core)
