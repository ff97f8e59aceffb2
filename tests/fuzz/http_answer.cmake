fle_fuzz(http_answer_fuzz DEPS libfle::kms libfle::bson)
target_include_directories(http_answer_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/kms")
