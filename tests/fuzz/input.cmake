if(TARGET fle_inputs)
  fle_fuzz(input_fuzz DEPS fle_inputs)
  target_include_directories(input_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/tools/fle")
endif()
