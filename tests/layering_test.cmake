# cmake -DROOT=<repository> -P layering_test.cmake: includes point one way only.
#
#   fle (base) <- schema <- bson_walk <- query;   fle <- files <- kms;  bson <- kms;   all of them <- client <- tools
#
# A line of the table: folder, our own headers that it may name, packages that it may name.
# A header without a folder is private and must lie in the folder of the file that names it.
set(base "fle/(budget|bytes|did_you_mean|errc|export|failure|result|seeded_hash|text|types|wiped|work)\\.h")
set(core "fle/[a-z_]+\\.h")
set(table
  "fle/kernels        kernels/.*                                           openssl"
  "fle/include        ${core}                                              none"
  "fle/src            ${core}|kernels/.*                                   openssl"
  "bson               ${base}|fle/bson/.*                                  bson|rapidjson"
  "schema             ${base}|fle/schema/.*                                bson|rapidjson|pcre2"
  "bson_walk          ${base}|fle/schema/.*|fle/bson_walk/.*               none"
  "files              ${base}|fle/files/.*                                 none"
  "kms/include        ${core}|fle/kms/.*                                   none"
  "kms                ${core}|fle/(bson|kms|files)/.*                      bson|rapidjson|openssl|sqlite3|curl|mongoc"
  "query              ${base}|fle/(schema|bson_walk|query)/.*              none"
  "client/include     ${core}|fle/(bson|schema|bson_walk|kms|query|client)/.*         none"
  "client/src         ${core}|fle/(bson|schema|bson_walk|kms|query|client)/.*         bson"
  "client/mongoc      ${core}|fle/(bson|schema|bson_walk|kms|query|client|mongoc)/.*  bson|mongoc"
  "tools              ${core}|fle/(bson|schema|bson_walk|kms|query|client|files)/.*         bson|CLI|asio")
set(packages "openssl|bson|rapidjson|pcre2|sqlite3|curl|mongoc|mongocrypt|CLI|asio")

set(wrong "")
set(n_includes 0)
foreach(row IN LISTS table)
  string(REGEX REPLACE " +" ";" row "${row}")
  list(GET row 0 folder)
  list(GET row 1 ours)
  list(GET row 2 foreign)
  file(GLOB_RECURSE files "${ROOT}/${folder}/*.h" "${ROOT}/${folder}/*.cc")
  foreach(file IN LISTS files)
    cmake_path(GET file PARENT_PATH here)
    file(STRINGS "${file}" includes REGEX "^ *# *include")
    foreach(line IN LISTS includes)
      math(EXPR n_includes "${n_includes} + 1")
      string(REGEX MATCH "[\"<]([^\">]+)[\">]" _ "${line}")
      set(name "${CMAKE_MATCH_1}")
      if(line MATCHES "\"")
        if(name MATCHES "^(${ours})$" OR (NOT name MATCHES "/" AND EXISTS "${here}/${name}"))
          continue()
        endif()
      elseif(NOT name MATCHES "^(${packages})" OR name MATCHES "^(${foreign})")
        if(NOT name MATCHES "^(fle|kernels)/")
          continue()
        endif()
      endif()
      list(APPEND wrong "${file}: ${name}")
    endforeach()
  endforeach()
endforeach()

if(n_includes EQUAL 0)
  message(FATAL_ERROR "no sources below ROOT='${ROOT}'")
endif()
if(wrong)
  list(JOIN wrong "\n  " text)
  message(FATAL_ERROR "include points the wrong way:\n  ${text}")
endif()
