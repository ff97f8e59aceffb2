fle_fuzz(ttlv_fuzz DEPS libfle::kms PkgConfig::FLE_BSON)
target_include_directories(ttlv_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/kms")
