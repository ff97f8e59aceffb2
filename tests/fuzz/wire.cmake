if(TARGET fle_cryptd_parts)
  fle_fuzz(wire_fuzz DEPS fle_cryptd_parts)
endif()
