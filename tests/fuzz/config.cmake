# A configuration comes from its owner, but what it means decides which key vault is used.
fle_fuzz(config_fuzz DEPS libfle::base)
target_sources(config_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/tools/fle/options/config_text.cc")
target_include_directories(config_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/tools/fle")
