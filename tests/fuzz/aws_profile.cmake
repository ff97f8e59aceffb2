fle_fuzz(aws_profile_fuzz DEPS libfle::kms)
target_include_directories(aws_profile_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/kms")
