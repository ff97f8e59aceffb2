if(FLE_WITH_CURL)
  fle_fuzz(http_answer_fuzz DEPS libfle::kms)
  target_include_directories(http_answer_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/kms")
endif()
