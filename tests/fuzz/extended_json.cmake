fle_fuzz(extended_json_fuzz DEPS libfle::bson libfle::bson_walk)
