# Install and export: find_package(libfle CONFIG), and libfle.pc for everyone without CMake.
include(CMakePackageConfigHelpers)

get_property(targets GLOBAL PROPERTY FLE_INSTALLED)
get_target_property(core_type fle_core TYPE)  # static or shared
set(config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/libfle")
install(TARGETS ${targets} EXPORT libfle-targets
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT libraries NAMELINK_COMPONENT development
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development
  FILE_SET libbson DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)
install(EXPORT libfle-targets NAMESPACE libfle:: DESTINATION "${config_dir}" COMPONENT development)

# What a C compiler does not link by itself.
set(FLE_CXX_RUNTIME ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(FILTER FLE_CXX_RUNTIME INCLUDE REGEX "^(stdc\\+\\+|c\\+\\+|m)$")

configure_package_config_file(cmake/libfle-config.cmake.in
  "${PROJECT_BINARY_DIR}/libfle-config.cmake" INSTALL_DESTINATION "${config_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/libfle-config-version.cmake"
  COMPATIBILITY SameMinorVersion)  # until 1.0 a minor release may break
install(FILES
  "${PROJECT_BINARY_DIR}/libfle-config.cmake" "${PROJECT_BINARY_DIR}/libfle-config-version.cmake"
  DESTINATION "${config_dir}" COMPONENT development)

# The .pc finds itself, so an installed tree can be moved. A static library cannot bring its own
# dependencies along, so there they are plain Requires: the call works with and without --static.
set(pc_depth "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
  BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}/${pc_depth}" OUTPUT_VARIABLE FLE_PC_PREFIX)
string(REGEX REPLACE "/$" "" FLE_PC_PREFIX "${FLE_PC_PREFIX}")
set(FLE_PC_REQUIRES "libssl >= 3.0, libcrypto >= 3.0, libbson-1.0")
if(FLE_WITH_MONGOC)
  string(APPEND FLE_PC_REQUIRES ", libmongoc-1.0")
  set(FLE_PC_MONGOC " -lfle_mongoc")
endif()
if(FLE_WITH_SQLITE)
  string(APPEND FLE_PC_REQUIRES ", sqlite3")
endif()
if(FLE_WITH_PCRE2)
  string(APPEND FLE_PC_REQUIRES ", libpcre2-8")
endif()
if(core_type STREQUAL "SHARED_LIBRARY")
  # Shared ones have what they need inside, and pkg-config would ask for the development files even of
  # what is required in private: whoever links libfle needs none of them.
  set(FLE_PC_REQUIRES "")
  set(FLE_PC_REQUIRES_FIELD "Requires")
else()
  set(FLE_PC_REQUIRES_FIELD "Requires")
  # Not as a requirement: --static would follow it to the dozen libraries that a static libcurl
  # needs, and Debian's libcurl4-openssl-dev does not bring those.
  if(FLE_WITH_CURL AND NOT FLE_LOAD_LATE)
    list(JOIN FLE_WITH_CURL_PKG_LDFLAGS " " FLE_PC_CURL)
    string(PREPEND FLE_PC_CURL " ")
  endif()
endif()
list(TRANSFORM FLE_CXX_RUNTIME PREPEND " -l" OUTPUT_VARIABLE FLE_PC_CXX)
list(JOIN FLE_PC_CXX "" FLE_PC_CXX)
configure_file(cmake/libfle.pc.in libfle.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/libfle.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
  COMPONENT development)
