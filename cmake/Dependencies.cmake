# What libfle is built from. Required: libcrypto, libssl, libbson, RapidJSON. The rest is optional,
# and says clearly what goes missing without it. libfle-config.cmake.in finds the same again for
# consumers of a static build: change both.
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto SSL)
find_package(PkgConfig REQUIRED)
# Every prefix is ours: a project around us may have a PkgConfig::BSON that is another library.
pkg_check_modules(FLE_BSON REQUIRED IMPORTED_TARGET GLOBAL libbson-1.0)
pkg_check_modules(FLE_RAPIDJSON REQUIRED IMPORTED_TARGET GLOBAL RapidJSON)
find_package(Threads REQUIRED)
fle_uses(OpenSSL "${OPENSSL_VERSION}" Apache-2.0 DYNAMIC_LINK)
fle_uses(libbson "${FLE_BSON_VERSION}" Apache-2.0 DYNAMIC_LINK)
fle_uses(RapidJSON "${FLE_RAPIDJSON_VERSION}" MIT STATIC_LINK)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  fle_uses("GCC runtime libraries" "${CMAKE_CXX_COMPILER_VERSION}" "GPL-3.0-or-later WITH GCC-exception-3.1" DYNAMIC_LINK)
endif()
fle_uses("${CMAKE_CXX_COMPILER_ID} C++ compiler" "${CMAKE_CXX_COMPILER_VERSION}" NOASSERTION BUILD_TOOL_OF)

# fle_optional(<variable> <what it gives> <pkg-config module> <name> <SPDX license>): ON when found and
# not switched off.
function(fle_optional variable gives module name license)
  option(${variable} "${gives} (needs ${module})" ON)
  if(${variable})
    pkg_check_modules(${variable}_PKG QUIET IMPORTED_TARGET GLOBAL ${module})
    if(NOT ${variable}_PKG_FOUND)
      message(STATUS "libfle: no ${module} here: built without ${gives}")
      set(${variable} OFF PARENT_SCOPE)
    else()
      fle_uses("${name}" "${${variable}_PKG_VERSION}" "${license}" DYNAMIC_LINK)
    endif()
  else()
    message(STATUS "libfle: ${variable}=OFF: built without ${gives}")
  endif()
endfunction()

fle_optional(FLE_WITH_SQLITE "the SQLite key vault" sqlite3 SQLite blessing)
fle_optional(FLE_WITH_MONGOC "the key vault in MongoDB" libmongoc-1.0 libmongoc Apache-2.0)
fle_optional(FLE_WITH_PCRE2 "patternProperties in schemas" libpcre2-8 PCRE2 BSD-3-Clause)
fle_optional(FLE_WITH_ZLIB "reading and writing gzip by the fle command" zlib
  zlib Zlib)
fle_optional(FLE_WITH_CURL "connections to the KMS of aws, azure and gcp" libcurl
  libcurl curl)
