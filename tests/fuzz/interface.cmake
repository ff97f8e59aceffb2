if(NOT TARGET fle_mongocrypt)
  return()
endif()
fle_fuzz(interface_fuzz DEPS libfle::bson test_support PkgConfig::FLE_BSON ${CMAKE_DL_LIBS})
target_sources(interface_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/tests/mongocrypt/library.cc")
add_dependencies(interface_fuzz fle_mongocrypt)
target_include_directories(interface_fuzz PRIVATE
  "${PROJECT_SOURCE_DIR}/tools/mongocrypt" "${PROJECT_SOURCE_DIR}/tools/mongocrypt/include")
target_compile_definitions(interface_fuzz PRIVATE
  FLE_MONGOCRYPT="$<TARGET_FILE:fle_mongocrypt>" FLE_MONGOCRYPT_DEBIAN="")
