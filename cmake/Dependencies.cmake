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

# libcurl and libmongoc are not linked to libfle_kms but loaded when the first connection needs them
# (kms/late/late_library.h): they bring thirty libraries with them, which every process would map and
# relocate. Where one is an archive, or stands where the dynamic linker does not look by itself (a link
# notes the folder, loading cannot), both are linked.
option(FLE_LOAD_LATE "load libcurl and libmongoc when they are first needed, where they are shared" ON)

# fle_late(<variable of fle_optional> <name> <soname>): the soname of lib<name>, as the linker would note it.
function(fle_late variable name soname)
  if(NOT ${variable} OR NOT FLE_LOAD_LATE)
    return()
  endif()
  get_target_property(libraries PkgConfig::${variable}_PKG INTERFACE_LINK_LIBRARIES)
  foreach(library IN LISTS libraries)
    cmake_path(GET library PARENT_PATH folder)
    if(library MATCHES "/lib${name}\\.so$" AND folder IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
      execute_process(COMMAND "${CMAKE_READELF}" --wide --dynamic "${library}" OUTPUT_VARIABLE elf ERROR_QUIET)
      if(elf MATCHES "Library soname: \\[([^\n]+)\\]\n")
        set(${soname} "${CMAKE_MATCH_1}" PARENT_SCOPE)
        return()
      endif()
    endif()
  endforeach()
  message(STATUS "libfle: no shared lib${name} where the system has its own: linked, not loaded late")
  set(FLE_LOAD_LATE OFF PARENT_SCOPE)
endfunction()
fle_late(FLE_WITH_CURL curl FLE_CURL_SONAME)
fle_late(FLE_WITH_MONGOC mongoc-1.0 FLE_MONGOC_SONAME)
