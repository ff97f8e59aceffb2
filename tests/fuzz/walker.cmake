fle_fuzz(walker_fuzz DEPS libfle::bson_walk)
