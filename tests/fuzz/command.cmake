fle_fuzz(command_fuzz DEPS libfle::query)
